import { describe, expect, it } from 'vitest'
import { familyName, newPatchKeys, PatchRelay, PatchWriter, readHeader } from './index.ts'
import { codeOf, family, keys, layoutOf, moved, someParameters } from './patch.test.kit.ts'

const layout = layoutOf([8, 8])
const base = someParameters(layout, 1)
const name = familyName(family)
const nowS = 1e6
const none = { epoch: 0, version: 0 }

/** Patches 1 to `count`: the first and every fifth are snapshots. */
function patches(count: number, more = {}): Uint8Array[] {
  const writer = new PatchWriter({
    layout,
    family,
    base,
    privateKey: keys.privateKey,
    epoch: 5,
    snapshotEvery: 5,
    ...more,
  })
  return Array.from({ length: count }, (_, at) => writer.publish(moved(base, at), at).bytes)
}

const versions = (served: readonly Uint8Array[]) => served.map((bytes) => readHeader(bytes).version)

describe('a relay of patches', () => {
  it('passes each on once, and no further than so many hops', () => {
    const relay = new PatchRelay({ publicKey: keys.publicKey, maxHops: 2 })
    const [first, second, third] = patches(3)
    expect(relay.receive(first!, 0, nowS)).toMatchObject({ isNews: true, passOn: true })
    expect(relay.receive(first!, 1, nowS)).toMatchObject({ isNews: false, passOn: false })
    expect(relay.receive(second!, 1, nowS).passOn).toBe(true)
    expect(relay.receive(third!, 2, nowS)).toMatchObject({ isNews: true, passOn: false })
  })

  it('gives a neighbour the deltas it lacks, and one who comes late the snapshot and what follows', () => {
    const relay = new PatchRelay({ publicKey: keys.publicKey })
    expect(relay.serve(name, none)).toEqual([])
    const sent = patches(8)
    for (const bytes of sent.slice(0, 4)) relay.receive(bytes, 0, nowS)
    expect(versions(relay.serve(name, none))).toEqual([1, 2, 3, 4])
    expect(versions(relay.serve(name, { epoch: 5, version: 2 }))).toEqual([3, 4])
    expect(versions(relay.serve(name, { epoch: 4, version: 2 }))).toEqual([1, 2, 3, 4])
    expect(relay.serve(name, { epoch: 5, version: 4 })).toEqual([])
    expect(relay.serve(name, { epoch: 5, version: 9 })).toEqual([])
    for (const bytes of sent.slice(4)) relay.receive(bytes, 0, nowS)
    expect(versions(relay.serve(name, { epoch: 5, version: 2 }))).toEqual([6, 7, 8])
    expect(relay.newest(name)).toMatchObject({ epoch: 5, version: 8 })
  })

  it('asks for a snapshot when it has missed one, and serves what it has meanwhile', () => {
    const relay = new PatchRelay({ publicKey: keys.publicKey })
    const [first, , third, fourth, , sixth] = patches(6)
    relay.receive(first!, 0, nowS)
    expect(relay.needsSnapshot(name)).toBe(false)
    expect(relay.receive(third!, 0, nowS)).toMatchObject({ isNews: false, passOn: false })
    expect(relay.receive(fourth!, 0, nowS).isNews).toBe(false)
    expect(relay.needsSnapshot(name)).toBe(true)
    expect(versions(relay.serve(name, none))).toEqual([1])
    expect(relay.receive(sixth!, 0, nowS).isNews).toBe(true)
    expect(relay.needsSnapshot(name)).toBe(false)
  })

  it('keeps no more than it may', () => {
    const sent = patches(4)
    const bytes = sent.slice(0, 3).reduce((sum, patch) => sum + patch.length, 0)
    const relay = new PatchRelay({ publicKey: keys.publicKey, maxFamilies: 1, maxFamilyBytes: bytes })
    for (const patch of sent) relay.receive(patch, 0, nowS)
    expect(versions(relay.serve(name, none))).toEqual([1, 2, 3])
    expect(relay.needsSnapshot(name)).toBe(true)
    const [other] = patches(1, { family: new Uint8Array(32) })
    expect(codeOf(() => relay.receive(other!, 0, nowS))).toBe('PATCH_OTHER_FAMILY')
  })

  it('passes on nothing that is broken, forged or from the future', () => {
    const relay = new PatchRelay({ publicKey: keys.publicKey })
    const [good] = patches(1)
    const broken = good!.slice()
    broken[70]! ^= 1
    expect(codeOf(() => relay.receive(broken, 0, nowS))).toBe('PATCH_CORRUPT')
    expect(codeOf(() => relay.receive(good!.subarray(9), 0, nowS))).toBe('PATCH_MALFORMED')
    const [forged] = patches(1, { privateKey: newPatchKeys().privateKey })
    expect(codeOf(() => relay.receive(forged!, 0, nowS))).toBe('PATCH_UNTRUSTED')
    expect(codeOf(() => relay.receive(good!, 0, -301))).toBe('PATCH_FROM_THE_FUTURE')
    expect(relay.serve(name, none)).toEqual([])
    expect(relay.receive(good!, 0, nowS).isNews).toBe(true)
  })
})
