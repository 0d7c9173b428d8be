import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { NormLayout, NormParameters } from '@isthmus/models/adapt'
import { applyPatch, decodePatch, newPatchKeys } from '@isthmus/models/patch'
import { afterAll, describe, expect, it } from 'vitest'
import { Publisher } from './publisher.ts'

const folder = mkdtempSync(join(tmpdir(), 'isthmus-publisher-'))
afterAll(() => rmSync(folder, { recursive: true }))

const layout: NormLayout = {
  layers: [
    {
      ...{ name: 'norm', channels: 4, offset: 0, epsilon: 1e-5 },
      ...{ scale: 's', shift: 'h', mean: 'm', variance: 'v' },
    },
  ],
  channels: 4,
}
const parametersOf = (value: number): NormParameters => ({
  scale: new Float32Array(4).fill(1 + value),
  shift: new Float32Array(4).fill(value),
  mean: new Float32Array(4).fill(value),
  variance: new Float32Array(4).fill(1 + value),
})
const base = parametersOf(0)
const family = new Uint8Array(32).fill(9)
const { privateKey, publicKey } = newPatchKeys()
const options = { layout, base, family, privateKey, dtype: 'float32' as const }

const taken = (bytes: Uint8Array, current: { epoch: number; version: number }, nowS = 5000) =>
  applyPatch(decodePatch(bytes, { layout, family, publicKey, current, nowS }), { base, current: base })

describe('a publisher', () => {
  it('makes patches that a device can take whatever it missed', async () => {
    const publisher = await Publisher.open(join(folder, 'a'), options, 1000)
    await publisher.publish(parametersOf(0.1), 1001)
    await publisher.publish(parametersOf(0.2), 1002)
    const third = await publisher.publish(parametersOf(0.3), 1003)
    expect(third).toMatchObject({ epoch: 1000, version: 3 })
    expect(taken(third.bytes, { epoch: 1000, version: 0 })).toEqual(parametersOf(0.3))
    expect(publisher.newest).toEqual(third)
  })

  it('goes on counting after a restart, and still has what it sent last', async () => {
    const path = join(folder, 'b')
    const before = await Publisher.open(path, options, 1000)
    const sent = await before.publish(parametersOf(0.1), 1001)
    const after = await Publisher.open(path, options, 2000)
    expect(after.newest?.version).toBe(1)
    expect(Buffer.from(after.newest!.bytes).equals(sent.bytes)).toBe(true)
    const next = await after.publish(parametersOf(0.2), 2001)
    expect(next).toMatchObject({ epoch: 1000, version: 2 })
    expect(taken(next.bytes, sent)).toEqual(parametersOf(0.2))
  })

  it('has written a version down before anybody can hear of it', async () => {
    const path = join(folder, 'c')
    const publisher = await Publisher.open(path, options, 1000)
    const patch = await publisher.publish(parametersOf(0.1), 1001)
    const journal = JSON.parse(readFileSync(path, 'utf8'))
    expect(journal.writer.version).toBe(1)
    expect(Buffer.from(journal.patch, 'base64').equals(patch.bytes)).toBe(true)
  })

  it('never uses a version again that could not be written down', async () => {
    const path = join(folder, 'missing', 'd')
    const publisher = await Publisher.open(path, options, 1000)
    await expect(publisher.publish(parametersOf(0.1), 1001)).rejects.toThrow(/ENOENT/)
    expect(publisher.newest).toBeUndefined()
    await expect(publisher.publish(parametersOf(0.2), 1001)).rejects.toThrow(/ENOENT/)
  })

  it('begins a newer epoch when its count is lost, so that devices do not take old for new', async () => {
    const path = join(folder, 'e')
    const before = await Publisher.open(path, options, 1000)
    const old = await before.publish(parametersOf(0.1), 1001)
    writeFileSync(path, '{"writer":')
    const lost: string[] = []
    const after = await Publisher.open(path, options, 2000, (reason) => lost.push(reason))
    expect(lost).toHaveLength(1)
    const next = await after.publish(parametersOf(0.2), 2001)
    expect(next).toMatchObject({ epoch: 2000, version: 1 })
    expect(taken(next.bytes, old)).toEqual(parametersOf(0.2))
    expect(() => taken(old.bytes, next)).toThrow(expect.objectContaining({ code: 'PATCH_REPLAYED' }))
  })

  it('refuses to send what no network could run with, and keeps what is out', async () => {
    const publisher = await Publisher.open(join(folder, 'f'), options, 1000)
    const good = await publisher.publish(parametersOf(0.1), 1001)
    await expect(publisher.publish(parametersOf(Number.NaN), 1002)).rejects.toMatchObject({
      code: 'NORM_NOT_FINITE',
    })
    expect(publisher.newest).toEqual(good)
  })
})
