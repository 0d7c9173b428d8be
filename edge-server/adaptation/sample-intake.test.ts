import { encodeMoments } from '@isthmus/models/adapt'
import type { Sample } from '@isthmus/proto'
import { describe, expect, it } from 'vitest'
import { SampleIntake, type SampleIntakeOptions } from './sample-intake.ts'
import { tinyLayers } from './tiny-networks.test.support.ts'

const FAMILY = 0xabc
const options: SampleIntakeOptions = {
  family: { key: FAMILY, id: 'tiny@1.0.0', imageDims: [3, 2, 4], classes: 5, ...tinyLayers },
  ledger: { capacity: 3, perSecond: 1, burst: 300, snapshotsPerSecond: 0.1, snapshotsAtOnce: 1 },
  queue: { limit: 1000, perDevice: 400, activeForMs: 60_000 },
}
const pixels = Uint8Array.from({ length: 24 }, (_, at) => at)
const sample = (changes: Partial<Sample> = {}): Sample => ({
  kind: 'sample',
  family: FAMILY,
  number: 1,
  input: 'pixels',
  dims: [2, 4, 3],
  patch: 0,
  patchEpoch: 0,
  entropy: 0.5,
  bundle: 0,
  mode: 0,
  scale: undefined,
  zeroPoint: undefined,
  ...changes,
})
const coded = (changes: Partial<Sample> = {}) => sample({ input: 'image', dims: [], ...changes })
/** The beginning of one; nothing more is looked at here. */
const jpeg = Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 1, 2, 3)
const endless = new Uint8Array(2 * pixels.length + 4097)
endless.set(jpeg)
const open = (changes: Partial<SampleIntakeOptions> = {}) => new SampleIntake({ ...options, ...changes })

describe('the intake of samples', () => {
  it('takes an image and turns it into planes of its own', () => {
    const intake = open()
    const packet = Uint8Array.from(pixels)
    expect(intake.receive('cam', 1, sample(), packet, 0)).toEqual(['taken'])
    packet.fill(0)
    const [upload] = intake.waiting.take(1, 0)!
    expect(upload?.device).toBe('cam')
    expect([...(upload!.pixels as Uint8Array)]).toEqual([
      ...[0, 3, 6, 9, 12, 15, 18, 21],
      ...[1, 4, 7, 10, 13, 16, 19, 22],
      ...[2, 5, 8, 11, 14, 17, 20, 23],
    ])
  })

  it('takes a coded image as it came, to be decoded where that may take its time', () => {
    const intake = open()
    const packet = Uint8Array.from(jpeg)
    expect(intake.receive('cam', 1, coded(), packet, 0)).toEqual(['taken'])
    packet.fill(0)
    expect(intake.receive('cam', 1, coded(), jpeg, 0)).toEqual(['repeated'])
    expect(intake.waiting.take(1, 0)).toEqual([{ device: 'cam', pixels: { codec: 'jpeg', bytes: jpeg } }])
  })

  it.each([
    ['a latent', sample({ input: 'latent' }), pixels, 'not-offered'],
    ['an image in no known code', coded(), pixels, 'unreadable'],
    ['a coded image that is far too long', coded(), endless, 'wrong-size'],
    ['a coded image with an entropy that is none', coded({ entropy: Number.NaN }), jpeg, 'not-finite'],
    ['other dims', sample({ dims: [4, 2, 3] }), pixels, 'wrong-size'],
    ['dims of another rank', sample({ dims: [24] }), pixels, 'wrong-size'],
    ['a byte too few', sample(), pixels.subarray(1), 'wrong-size'],
    ['a byte too many', sample(), new Uint8Array(25), 'wrong-size'],
    ['no payload', sample(), new Uint8Array(0), 'wrong-size'],
    ['an entropy that is none', sample({ entropy: Number.NaN }), pixels, 'not-finite'],
    ['an entropy below 0', sample({ entropy: -1 }), pixels, 'not-finite'],
    ['an entropy without end', sample({ entropy: Number.POSITIVE_INFINITY }), pixels, 'not-finite'],
  ])('refuses %s and remembers nothing of it', (_what, given, payload, outcome) => {
    const intake = open()
    expect(intake.receive('cam', 1, given, payload, 0)).toEqual([outcome])
    expect(intake.devices).toBe(0)
    expect(intake.waiting.size).toBe(0)
    expect(intake.receive('cam', 1, sample(), pixels, 0)).toEqual(['taken'])
  })

  it('learns what is delivered twice once, by device and boot', () => {
    const intake = open()
    const receive = (device: string, boot: number, number: number) =>
      intake.receive(device, boot, sample({ number }), pixels, 0)[0]
    expect([receive('cam', 1, 7), receive('cam', 1, 7), receive('cam', 1, 8)]).toEqual([
      'taken',
      'repeated',
      'taken',
    ])
    expect([receive('cam', 2, 7), receive('door', 1, 7), receive('cam', 1, 7)]).toEqual([
      'taken',
      'taken',
      'repeated',
    ])
    expect(intake.waiting.size).toBe(4)
  })

  it('knows after a restart what it had seen before', () => {
    const before = open()
    for (let number = 1; number <= 280; number++) before.receive('cam', 1, sample({ number }), pixels, 0)
    const after = new SampleIntake(options, structuredClone(before.state(50, true)), 9)
    expect(after.waiting.size).toBe(280)
    expect(after.receive('cam', 1, sample({ number: 280 }), pixels, 9)).toEqual(['repeated'])
    expect(after.receive('cam', 1, sample({ number: 25 }), pixels, 9)).toEqual(['repeated'])
    expect(after.receive('cam', 1, sample({ number: 281 }), pixels, 9)).toEqual(['taken'])
  })

  it('keeps no pixel in a state that may hold none', () => {
    const intake = open()
    intake.receive('cam', 1, sample(), pixels, 0)
    const state = intake.state(0, false)
    expect(state.waiting.devices).toEqual([])
    const after = new SampleIntake(options, state, 0)
    expect(after.waiting.size).toBe(0)
    expect(after.receive('cam', 1, sample(), pixels, 0)).toEqual(['repeated'])
  })

  it('slows down a device that sends too fast, and no other; what it turned away may come again', () => {
    const intake = open({ ledger: { ...options.ledger, burst: 2 } })
    const receive = (device: string, number: number, nowMs: number) =>
      intake.receive(device, 1, sample({ number }), pixels, nowMs)[0]
    expect([1, 2, 3].map((number) => receive('flood', number, 0))).toEqual(['taken', 'taken', 'too-fast'])
    expect(receive('cam', 1, 0)).toBe('taken')
    expect(receive('flood', 3, 1000)).toBe('taken')
  })

  it('remembers so many devices and no more', () => {
    const intake = open()
    for (let device = 0; device < 50; device++) intake.receive(`cam-${device}`, 1, sample(), pixels, device)
    expect(intake.devices).toBe(3)
  })

  it('gives a device one snapshot at a time', () => {
    const intake = open()
    expect(intake.mayHaveSnapshot('cam', 0)).toBe(true)
    expect(intake.mayHaveSnapshot('cam', 1000)).toBe(false)
    expect(intake.mayHaveSnapshot('door', 1000)).toBe(true)
    expect(intake.mayHaveSnapshot('cam', 10_000)).toBe(true)
  })
})

describe('what devices tell of their frames', () => {
  const { layout, base } = tinyLayers
  const told = (mean: number, variance = 1) =>
    encodeMoments(
      {
        mean: base.mean.map((value) => value + mean),
        variance: base.variance.map((value) => variance * value),
      },
      base,
      layout,
    )
  const tell = (intake: SampleIntake, device: string, payload: Uint8Array, number = 1, nowMs = 0) =>
    intake.receive(device, 1, sample({ input: 'statistics', dims: [], entropy: 0, number }), payload, nowMs)

  it('counts, newest first, and nothing waits to be judged for it', () => {
    const intake = open()
    expect(intake.centre(0)).toBeUndefined()
    expect(tell(intake, 'cam', told(2, 3))).toEqual(['statistics'])
    const { mean, variance } = intake.centre(0)!
    expect(mean[0]).toBeCloseTo(2, 2)
    expect(variance[1]! / 12).toBeCloseTo(1, 2)
    expect(tell(intake, 'cam', told(1), 2)).toEqual(['statistics'])
    expect(intake.centre(0)!.mean[0]).toBeCloseTo(1, 2)
    expect(intake.waiting.size).toBe(0)
    expect(tell(intake, 'cam', told(0), 3)).toEqual(['statistics'])
    expect(intake.centre(0)).toBeUndefined()
  })

  it('is refused when it does not fit, is no number, comes again or too often', () => {
    const intake = open()
    expect(tell(intake, 'cam', told(1).subarray(1))).toEqual(['wrong-size'])
    expect(tell(intake, 'cam', new Uint8Array(1 << 20))).toEqual(['wrong-size'])
    expect(tell(intake, 'cam', new Uint8Array(8).fill(0xff))).toEqual(['not-finite'])
    expect(tell(intake, 'cam', told(1))).toEqual(['statistics'])
    expect(tell(intake, 'cam', told(2))).toEqual(['repeated'])
    expect(intake.centre(0)!.mean[0]).toBeCloseTo(1, 2)
    const outcomes = Array.from({ length: 10 }, (_, at) => tell(intake, 'cam', told(3), 2 + at)[0])
    expect(outcomes.at(-1)).toBe('too-fast')
    expect(tell(intake, 'cam', told(4), 20, 60_000)).toEqual(['statistics'])
  })

  it('of a hostile device does not move what the others have told, however often it tells', () => {
    const intake = open({ ledger: { ...options.ledger, capacity: 10 } })
    ;[0.9, 1, 1.1].forEach((mean, at) => {
      tell(intake, `cam-${at}`, told(mean))
    })
    for (let number = 1; number < 6; number++) tell(intake, 'hostile', told(900, 1e6), number)
    const { mean, variance } = intake.centre(0)!
    expect(mean[0]).toBeGreaterThan(0.85)
    expect(mean[0]).toBeLessThan(1.15)
    expect(variance[0]).toBeCloseTo(1, 2)
  })
})
