import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Birth, State } from '@isthmus/proto'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { nextBoot } from './boot-counter.ts'
import { inputShape } from './frame.ts'
import { bestGuesses, softmax } from './guesses.ts'
import { Normaliser } from './normalise.ts'
import { checkOptions } from './options.ts'
import { RequestInbox } from './request-inbox.ts'
import { ServerClock } from './server-clock.ts'
import { ServerView } from './server-view.ts'
import { SharpImages } from './sharp-images.ts'
import { splitRoundTrip } from './stage-log.ts'
import { manifest } from './world.test.kit.ts'

describe('boot counter', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'isthmus-boot-'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  test('grows with each start, through a missing folder and a damaged file', async () => {
    const state = join(folder, 'state')
    expect(await nextBoot(state, 1000)).toBe(1001)
    expect(await nextBoot(state, 1000)).toBe(1002)
    await writeFile(join(state, 'boot'), 'rubbish')
    expect(await nextBoot(state, 5000)).toBe(5001)
    expect(await readFile(join(state, 'boot'), 'utf8')).toBe('5001\n')
  })

  test('says which file when the folder cannot be written', async () => {
    await writeFile(join(folder, 'file'), '')
    const attempt = nextBoot(join(folder, 'file'), 1)
    await expect(attempt).rejects.toMatchObject({ code: 'STATE_UNWRITABLE', message: /boot/ as never })
  })
})

describe('options', () => {
  const good = { id: 'cam-1', bundle: './b' }

  test('defaults are filled in', () => {
    expect(checkOptions(good)).toMatchObject({
      site: 'default',
      deadlineMs: 250,
      credits: 8,
      probe: { intervalMs: 1000 },
    })
  })

  test.each([
    [{ ...good, deadlineMS: 3 }, /deadlineMS is not an option, did you mean deadlineMs/],
    [{ ...good, controller: { localShare: 0.1 } }, /controller\.localShare is not an option/],
    [{ ...good, controller: { localProbeShare: 2 } }, /controller\.localProbeShare/],
    [{ ...good, probe: { interval: 3 } }, /probe\.interval is not an option, did you mean probe\.intervalMs/],
    [{ ...good, reconnect: { minMs: 9000 } }, /reconnect: minMs must be at most maxMs/],
    [{ ...good, reconnect: { maxms: 9000 } }, /did you mean reconnect\.maxMs/],
    [{ ...good, preference: { energi: 3 } }, /did you mean preference\.energy/],
    [{ ...good, preference: { accuracy: -1 } }, /preference\.accuracy/],
    [{ ...good, power: { computew: 3 } }, /did you mean power\.computeW/],
    [{ ...good, power: { sendW: Number.NaN } }, /power\.sendW/],
    [{ ...good, id: 'edge' }, /id: .*not 'edge'/],
    [{ ...good, id: 'a/b' }, /id: /],
    [{ ...good, broker: 'edge.local' }, /broker: .*mqtt:\/\//],
    [{ ...good, broker: 'mqtt:' }, /broker: .*names a host/],
    [{ ...good, deadlineMs: Number.NaN }, /deadlineMs/],
    [{ ...good, policy: {} }, /policy: must be a policy/],
    [{ id: 'cam' }, /bundle/],
    [undefined, /the options/],
  ])('%j is refused with what is wrong', (options, message) => {
    expect(() => checkOptions(options)).toThrow(
      expect.objectContaining({ code: 'BAD_OPTIONS', message: expect.stringMatching(message) }),
    )
  })
})

describe('guesses', () => {
  test('are the largest outputs, best first, with probabilities that add up', () => {
    const outputs = fc.array(fc.double({ min: -50, max: 50, noNaN: true }), { minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(outputs, (values) => {
        const labels = values.map((_, i) => `label ${i}`)
        const guesses = bestGuesses(Float32Array.from(values), 'logits', labels, values.length)
        const sum = guesses.reduce((total, { probability }) => total + probability, 0)
        expect(sum).toBeCloseTo(1, 4)
        const ranked = guesses.map(({ probability }) => probability)
        expect(ranked).toEqual([...ranked].sort((a, b) => b - a))
        expect(new Set(guesses.map(({ label }) => label)).size).toBe(values.length)
      }),
    )
  })

  test('huge logits do not overflow', () => {
    expect([...softmax(Float32Array.of(1e30, 0))]).toEqual([1, 0])
  })
})

describe('normalising', () => {
  const rgb = Uint8Array.from({ length: 48 }, (_, i) => (i * 37) % 256)
  const input = { ...manifest.input, mean: [0.4, 0.5, 0.6], std: [0.2, 0.25, 0.3] }

  test.each([
    ['NCHW', [3, 4, 4]],
    ['NHWC', [4, 4, 3]],
  ] as const)('gives (pixel / 255 − mean) / std in %s', (layout, dims) => {
    const shape = inputShape({ ...manifest, input: { ...input, layout, dims: [...dims] } })
    const out = new Float32Array(48)
    new Normaliser(shape).into(rgb, out)
    for (let pixel = 0; pixel < 16; pixel++) {
      for (let channel = 0; channel < 3; channel++) {
        const at = layout === 'NCHW' ? channel * 16 + pixel : pixel * 3 + channel
        const expected = (rgb[pixel * 3 + channel]! / 255 - input.mean[channel]!) / input.std[channel]!
        expect(out[at]).toBeCloseTo(expected, 5)
      }
    }
  })
})

describe('images', () => {
  const shape = inputShape(manifest)
  const images = new SharpImages()

  test('pixels of the right size are passed through, others are resized', async () => {
    const data = new Uint8Array(48).fill(9)
    expect(await images.toRgb({ data, width: 4, height: 4 }, shape)).toBe(data)
    const large = { data: new Uint8Array(8 * 6 * 3).fill(200), width: 8, height: 6 }
    expect([...(await images.toRgb(large, shape))]).toEqual(new Array(48).fill(200))
  })

  test('a coded image comes back as pixels; a broken one is a bad frame', async () => {
    const png = await images.encode(new Uint8Array(48).fill(77), shape, { codec: 'png' })
    expect([...(await images.toRgb({ data: png, encoded: true }, shape))]).toEqual(new Array(48).fill(77))
    const broken = { data: png.slice(0, 20), encoded: true } as const
    await expect(images.toRgb(broken, shape)).rejects.toMatchObject({ code: 'BAD_FRAME' })
  })
})

describe('request inbox', () => {
  const entry = (sentUs: number) => ({ sentUs })

  test('a reply is claimed once, and only with the send time it echoes', () => {
    const inbox = new RequestInbox<{ sentUs: number }>(100)
    inbox.open(1, entry(500))
    expect(inbox.claim(1, 499).kind).toBe('unknown')
    expect(inbox.claim(1, 500).kind).toBe('answered')
    expect(inbox.claim(1, 500).kind).toBe('unknown')
  })

  test('what was given up is late, once', () => {
    const inbox = new RequestInbox<{ sentUs: number }>(100)
    inbox.open(1, entry(500))
    inbox.giveUp(1, 0)
    expect(inbox.claim(1, 500).kind).toBe('late')
    expect(inbox.claim(1, 500).kind).toBe('unknown')
  })

  test('what was given up keeps its credit until its late reply or the end of its grace', () => {
    const inbox = new RequestInbox<{ sentUs: number }>(100)
    for (const id of [1, 2, 3]) inbox.open(id, entry(id))
    inbox.giveUp(1, 1000)
    inbox.giveUp(2, 1000)
    expect([inbox.size, inbox.occupied(1050)]).toEqual([1, 3])
    inbox.claim(2, 2)
    expect(inbox.occupied(1050)).toBe(2)
    expect(inbox.occupied(1100)).toBe(1)
  })

  test('remembers no more than it must of what was given up', () => {
    const inbox = new RequestInbox<{ sentUs: number }>(100)
    for (let id = 1; id <= 1000; id++) {
      inbox.open(id, entry(id))
      inbox.giveUp(id, 0)
    }
    expect(inbox.claim(1, 1).kind).toBe('unknown')
    expect(inbox.claim(1000, 1000).kind).toBe('late')
    expect(inbox.occupied(0)).toBeLessThanOrEqual(128)
  })
})

describe('server clock', () => {
  const base = { sentMs: 1000, uplinkMs: 10, receivedUs: 500_000, networkMs: 20, nowMs: 1020, epoch: 1 }

  test('believes the quickest exchange, and starts anew with a new life of the server', () => {
    const clock = new ServerClock()
    expect(clock.nowUs(0)).toBeUndefined()
    clock.add(base)
    expect(clock.nowUs(1020)).toBe(510_000)
    clock.add({ ...base, uplinkMs: 100, networkMs: 200 })
    expect(clock.nowUs(1020)).toBe(510_000)
    clock.add({ ...base, receivedUs: 7_000_000, networkMs: 300, epoch: 2 })
    expect(clock.nowUs(1020)).toBe(7_010_000)
  })

  test('an old exchange gives way to a slower new one', () => {
    const clock = new ServerClock()
    clock.add(base)
    clock.add({ ...base, sentMs: 100_000, receivedUs: 99_600_000, networkMs: 30, nowMs: 100_030 })
    expect(clock.nowUs(100_030)).toBe(99_620_000)
  })

  test('wraps with the 32 bits of the wire', () => {
    const clock = new ServerClock()
    clock.add({ ...base, receivedUs: 0xffff_ffff })
    expect(clock.nowUs(1010 + 1)).toBe(999)
  })
})

describe('server view', () => {
  const envelope = (boot: number) => ({
    schema: 1,
    id: 0,
    boot,
    sequence: 1,
    budgetUs: 0,
    sentUs: 0,
    receiverUs: undefined,
    replyTopic: '',
    server: undefined,
  })
  const birth = (epoch: number): Birth => ({
    kind: 'birth',
    software: 's',
    bundles: [{ name: 'n', version: '1.0.0', key: 42 }],
    credits: 0,
    epoch,
    maxMessageBytes: 0,
    pipelines: [{ name: 'p', version: '1.0.0', key: 7, stageUs: [] }],
  })
  const bundle = (key: number) => ({ kind: 'bundle', name: 'n', version: '1.0.0', key }) as const
  const state = (presence: State['presence']): State => ({
    kind: 'state',
    presence,
    queued: 0,
    busy: 0,
    workers: 1,
    waitUs: 0,
  })

  test('takes birth and state in either order', () => {
    const view = new ServerView()
    view.onState(envelope(1), state('online'))
    expect(view.refusal(bundle(42))).toBe('NO_SERVER')
    view.onBirth(envelope(1), birth(1))
    expect(view.refusal(bundle(42))).toBeUndefined()
    expect(view.refusal(bundle(43))).toBe('BUNDLE_MISMATCH')
    expect(view.refusal({ ...bundle(7), kind: 'pipeline' })).toBeUndefined()
    expect(view.refusal({ ...bundle(42), kind: 'pipeline' })).toBe('PIPELINE_MISMATCH')
  })

  test("a last will of an earlier life that comes late does not take the present one's state away", () => {
    const view = new ServerView()
    view.onBirth(envelope(2), birth(2))
    view.onState(envelope(2), state('online'))
    view.onState(envelope(1), state('offline'))
    expect(view.refusal(bundle(42))).toBeUndefined()
    view.onState(envelope(2), state('offline'))
    expect(view.refusal(bundle(42))).toBe('SERVER_OFFLINE')
  })
})

test('a round trip is split by transfer times at the measured rate, the rest by halves', () => {
  const link = { rateBps: 80_000, rttMs: 20 }
  const ways = splitRoundTrip(20 + 60, 500, 100, link)
  expect(ways.uplinkMs).toBeCloseTo(60)
  expect(ways.downlinkMs).toBeCloseTo(20)
  expect(splitRoundTrip(50, 500, 100, undefined)).toEqual({ uplinkMs: 25, downlinkMs: 25 })
  expect(splitRoundTrip(-3, 500, 100, link)).toEqual({ uplinkMs: 0, downlinkMs: 0 })
})
