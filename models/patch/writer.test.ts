import { describe, expect, it } from 'vitest'
import { type NormParameters, normKinds } from '../adapt/index.ts'
import {
  applyPatch,
  decodePatch,
  encodePatch,
  PatchWriter,
  type PatchWriterOptions,
  type WriterState,
} from './index.ts'
import { codeOf, encodeOptions, family, keys, layoutOf, moved, someParameters } from './patch.test.kit.ts'

const layout = layoutOf([16, 24])
const base = someParameters(layout, 1)
const settings: PatchWriterOptions = {
  layout,
  family,
  base,
  privateKey: keys.privateKey,
  minIntervalS: 0,
  epoch: 5,
}

/** A device that takes what comes. */
class Receiver {
  current = { epoch: 0, version: 0 }
  parameters = base

  take(bytes: Uint8Array): void {
    const patch = decodePatch(bytes, {
      layout,
      family,
      publicKey: keys.publicKey,
      current: this.current,
      nowS: 1e9,
    })
    this.parameters = applyPatch(patch, { base, current: this.parameters })
    this.current = patch.header
  }
}

/** Mean distance of two sets of scales. */
const apart = (a: NormParameters, b: NormParameters): number =>
  a.scale.reduce((sum, value, at) => sum + Math.abs(value - b.scale[at]!), 0) / a.scale.length

describe('a writer of patches', () => {
  it('keeps receivers near over 1,000 deltas, where rounding each delta by itself drifts away', () => {
    const writer = new PatchWriter({ ...settings, snapshotEvery: 1e6 })
    const receiver = new Receiver()
    let careless = base
    let target = base
    let sumOfErrors = 0
    let largest = 0
    for (let at = 1; at <= 1000; at++) {
      const next = moved(target, at, 0.01)
      const sent = writer.publish(next, at)
      receiver.take(sent.bytes)
      // One who forgets what was rounded: the difference of the targets, put on what is held.
      const delta = encodePatch(
        encodeOptions(layout, { version: 2, against: 1, reference: target, target: next, dtype: 'int8' }),
      ).result
      const step = target
      careless = {
        ...careless,
        scale: careless.scale.map((value, i) => value + (delta.scale[i]! - step.scale[i]!)),
      }
      target = next
      const error = apart(receiver.parameters, target)
      largest = Math.max(largest, error)
      sumOfErrors += error
      if (at % 100 === 0) expect(receiver.parameters).toEqual(sent.parameters)
    }
    const usual = sumOfErrors / 1000
    expect(largest).toBeLessThan(5 * usual)
    expect(apart(receiver.parameters, target)).toBeLessThan(2 * usual)
    expect(apart(careless, target)).toBeGreaterThan(10 * usual)
  })

  it('waits for steps of learning and for time', () => {
    const writer = new PatchWriter({ ...settings, everySteps: 3, minIntervalS: 60 })
    const made = Array.from({ length: 30 }, (_, at) => writer.offer(moved(base, at), 10 * at)).map(
      (patch) => patch?.version,
    )
    expect(made.flatMap((version, at) => (version === undefined ? [] : [at]))).toEqual([2, 8, 14, 20, 26])
    const later = new PatchWriter({ ...settings, minIntervalS: 60 })
    expect(later.offer(base, 1000)).toBeDefined()
    expect(later.offer(base, 1059)).toBeUndefined()
    expect(later.offer(base, 10)).toBeDefined()
  })

  it('makes a snapshot first, every so often, and when a receiver asks, without waiting for steps', () => {
    const writer = new PatchWriter({ ...settings, snapshotEvery: 4, everySteps: 2, minIntervalS: 10 })
    const kinds = Array.from({ length: 9 }, (_, at) => writer.offer(moved(base, at), 10 * at, 2)?.kind)
    expect(kinds.map((kind) => kind?.[0]).join('')).toBe('sdddsddds')
    writer.askSnapshot()
    expect(writer.offer(base, 85, 0)).toBeUndefined()
    expect(writer.offer(base, 90, 0)?.kind).toBe('snapshot')
    expect(writer.offer(base, 100, 2)?.kind).toBe('delta')
  })

  it('lets a late receiver in with a snapshot, after which both hold the same', () => {
    const writer = new PatchWriter({ ...settings, snapshotEvery: 100 })
    const early = new Receiver()
    const late = new Receiver()
    for (let at = 1; at <= 5; at++) early.take(writer.publish(moved(base, at), at).bytes)
    const missed = writer.publish(moved(base, 6), 6).bytes
    early.take(missed)
    expect(codeOf(() => late.take(missed))).toBe('PATCH_NEEDS_SNAPSHOT')
    writer.askSnapshot()
    const { bytes, parameters } = writer.publish(moved(base, 6), 7)
    for (const receiver of [early, late]) {
      receiver.take(bytes)
      expect(receiver.parameters).toEqual(parameters)
    }
    const next = writer.publish(moved(base, 7), 8)
    expect(next.kind).toBe('delta')
    late.take(next.bytes)
    expect(late.parameters).toEqual(next.parameters)
  })

  it('goes on after a restart as if nothing had been', () => {
    const run = (restarts: boolean): { versions: number[]; state: WriterState } => {
      let writer = new PatchWriter({ ...settings, snapshotEvery: 5, everySteps: 2, minIntervalS: 15 })
      const receiver = new Receiver()
      const versions: number[] = []
      for (let at = 0; at < 40; at++) {
        const patch = writer.offer(moved(base, at), 10 * at)
        if (patch) receiver.take(patch.bytes)
        versions.push(receiver.current.version)
        const state = JSON.parse(JSON.stringify(writer.state)) as WriterState
        if (restarts)
          writer = new PatchWriter(
            { ...settings, snapshotEvery: 5, everySteps: 2, minIntervalS: 15, epoch: 77 },
            state,
          )
      }
      return { versions, state: writer.state }
    }
    expect(run(true)).toEqual(run(false))
  })

  it('that has lost its state is followed again because its epoch is later', () => {
    const receiver = new Receiver()
    for (const writer of [new PatchWriter(settings), new PatchWriter({ ...settings, epoch: 6 })])
      for (let at = 1; at < 4; at++) {
        const { bytes, parameters } = writer.publish(moved(base, at), at)
        receiver.take(bytes)
        expect(receiver.parameters).toEqual(parameters)
      }
    const old = new PatchWriter(settings).publish(base, 1).bytes
    expect(codeOf(() => receiver.take(old))).toBe('PATCH_REPLAYED')
  })

  it('sends a subset of the layers, and knows that the others stay', () => {
    const writer = new PatchWriter({ ...settings, layers: [1] })
    const target = moved(base, 3)
    const { bytes, parameters } = writer.publish(target, 1)
    const receiver = new Receiver()
    receiver.take(bytes)
    for (const kind of normKinds)
      expect(receiver.parameters[kind].subarray(0, 16)).toEqual(base[kind].subarray(0, 16))
    expect(receiver.parameters).toEqual(parameters)
    expect(bytes.length).toBeLessThan(new PatchWriter(settings).publish(target, 1).bytes.length)
  })

  it('changes nothing when it cannot make a patch, and refuses what does not fit', () => {
    const writer = new PatchWriter(settings)
    writer.publish(moved(base, 1), 1)
    const before = writer.state
    const broken = moved(base, 2)
    broken.mean[0] = Number.NaN
    expect(codeOf(() => writer.publish(broken, 2))).toBe('NORM_NOT_FINITE')
    expect(writer.state).toEqual(before)
    const other = layoutOf([16, 25])
    expect(
      codeOf(() => new PatchWriter({ ...settings, layout: other, base: someParameters(other, 1) }, before)),
    ).toBe('NORM_MISMATCH')
    for (const wrong of [{ everySteps: 0 }, { snapshotEvery: 1.5 }, { minIntervalS: Number.NaN }])
      expect(codeOf(() => new PatchWriter({ ...settings, ...wrong }))).toBe('PATCH_BAD_OPTION')
  })
})
