import { newPatchKeys, PatchWriter } from '@isthmus/models/patch'
import { describe, expect, it } from 'vitest'
import { type FleetUpdateOptions, simulateUpdate, type UpdateFamily } from './index.ts'

const keys = newPatchKeys()
const ENVELOPE = 60

function familyOf(number: number, channels: number): UpdateFamily {
  const parts = ['scale', 'shift', 'mean', 'variance'] as const
  const names = Object.fromEntries(parts.map((part) => [part, part])) as Record<
    (typeof parts)[number],
    string
  >
  return {
    family: new Uint8Array(32).fill(number),
    layout: { channels, layers: [{ name: 'norm', channels, offset: 0, epsilon: 1e-5, ...names }] },
  }
}

const families = [familyOf(1, 64), familyOf(2, 200)]

/** Patches of a family: a snapshot, then deltas. */
function patchesOf(
  { family, layout }: UpdateFamily,
  count: number,
  privateKey = keys.privateKey,
): Uint8Array[] {
  const vector = (value: number) => new Float32Array(layout.channels).fill(value)
  const base = { scale: vector(1), shift: vector(0), mean: vector(0), variance: vector(1) }
  const writer = new PatchWriter({ layout, family, base, privateKey, epoch: 1, dtype: 'float32' })
  return Array.from({ length: count }, (_, at) => writer.publish({ ...base, shift: vector(at + 1) }, 0).bytes)
}

const [first, second] = families.map((family) => patchesOf(family, 3)) as [Uint8Array[], Uint8Array[]]
const sizeOf = (...patches: readonly Uint8Array[]): number =>
  patches.reduce((sum, { length }) => sum + length + ENVELOPE, 0)

const options: FleetUpdateOptions = {
  seed: 3,
  families,
  publicKey: keys.publicKey,
  devices: [
    { count: 60, family: 0, link: { kind: 'fixed', rateBps: 1e4 } },
    { count: 40, family: 1, link: { kind: 'fixed', rateBps: 1e4 } },
  ],
  releases: [
    { atS: 0, bytes: first[0]! },
    { atS: 0, bytes: second[0]! },
  ],
  serverBps: 1e9,
}
const gateways = { count: 5, link: { kind: 'fixed', rateBps: 1e4 }, localBps: 1e6 } as const

describe('an update of a fleet', () => {
  it('takes each device as long as its link needs, and the server a patch for each', () => {
    const result = simulateUpdate(options)
    expect(result).toMatchObject({
      devices: 100,
      updated: 100,
      messages: 100,
      lost: 0,
      relayedBytes: 0,
      refused: {},
    })
    expect(result.halfS).toBeCloseTo((8 * sizeOf(first[0]!)) / 1e4, 2)
    expect(result.allS).toBeCloseTo((8 * sizeOf(second[0]!)) / 1e4, 2)
    expect(result.serverBytes).toBe(60 * sizeOf(first[0]!) + 40 * sizeOf(second[0]!))
  })

  it('through gateways takes each uplink one patch of each family', () => {
    const result = simulateUpdate({ ...options, gateways })
    expect(result.updated).toBe(100)
    expect(result.serverBytes).toBe(5 * sizeOf(first[0]!, second[0]!))
    expect(result.bytesPerUplink).toBe(sizeOf(first[0]!, second[0]!))
    expect(result.relayedBytes).toBe(60 * sizeOf(first[0]!) + 40 * sizeOf(second[0]!))
  })

  it('goes through gateways in a row as far as hops allow', () => {
    const row = (count: number) =>
      simulateUpdate({ ...options, gateways: { ...gateways, count, row: count } })
    expect(row(3).updated).toBe(100)
    expect(row(3).serverBytes).toBe(sizeOf(first[0]!, second[0]!))
    // The fourth gateway gets a patch that has been passed on three times.
    expect(row(5).updated).toBe(60)
  })

  it('sends again what is lost, until all have it', () => {
    const lossy = options.devices.map((group) => ({ ...group, lossRatio: 0.3 }))
    const result = simulateUpdate({ ...options, devices: lossy })
    expect(result.updated).toBe(100)
    expect(result.lost).toBeGreaterThan(10)
    expect(result.messages).toBe(100 + result.lost)
    const viaGateways = simulateUpdate({
      ...options,
      gateways: { ...gateways, lossRatio: 0.4, localLossRatio: 0.2 },
    })
    expect(viaGateways.updated).toBe(100)
    expect(viaGateways.lost).toBeGreaterThan(0)
  })

  it('reaches those who sleep when they wake, with all that they missed', () => {
    const sleep = { everyS: 600, awakeS: 1 }
    const result = simulateUpdate({
      ...options,
      devices: options.devices.map((group) => ({ ...group, sleep })),
      releases: [0, 1, 2].map((at) => ({ atS: at, bytes: first[at]! })),
    })
    // Family 1 has had no release, and so has nothing to hold.
    expect(result.updated).toBe(60)
    expect(result.allS).toBe(Infinity)
    expect(result.halfS).toBeGreaterThan(300)
    expect(result.halfS).toBeLessThan(600)
    expect(result.messages).toBe(180)
  })

  it('is refused by devices that trust another key, and by nobody believed', () => {
    const forged = patchesOf(families[0]!, 1, newPatchKeys().privateKey)
    expect(() => simulateUpdate({ ...options, releases: [{ atS: 0, bytes: forged[0]! }] })).toThrow(
      /UNTRUSTED/,
    )
  })

  it('comes out the same for the same seed, and has its options checked', () => {
    const lossy = { ...options, gateways: { ...gateways, lossRatio: 0.4, localLossRatio: 0.2 } }
    expect(simulateUpdate(lossy)).toEqual(simulateUpdate(lossy))
    expect(simulateUpdate({ ...lossy, seed: 4 })).not.toEqual(simulateUpdate(lossy))
    for (const wrong of [
      { devices: [] },
      { serverBps: 0 },
      { gateways: { ...gateways, localBps: Number.NaN } },
      { devices: [{ ...options.devices[0]!, family: 2 }] },
      { devices: [{ ...options.devices[0]!, sleep: { everyS: 5, awakeS: 6 } }] },
    ])
      expect(() => simulateUpdate({ ...options, ...wrong })).toThrow(/BAD_OPTION|fleet update/)
  })
})
