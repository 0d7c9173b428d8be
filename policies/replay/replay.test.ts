import { expect, test } from 'vitest'
import {
  asLogged,
  type Chooser,
  MeasuredChooser,
  PublishedController,
  parseSlimmableLog,
  recordingOf,
  replay,
  replayOracle,
  slimmableModes,
  summarise,
  usualEncoderTimes,
} from './index.ts'

const DEADLINE_MS = 300

/** A log as the published device writes it: times of this frame, mode of the next one. */
function log(frames: number, seed = 5): string {
  const device = new PublishedController(DEADLINE_MS)
  let averageKBps = 200
  let state = seed
  const random = () => {
    state = (state * 16807) % 2147483647
    return state / 2147483647
  }
  const lines = Array.from({ length: frames }, (_, frame) => {
    const mode = slimmableModes.find(({ id }) => id === device.choose())!
    const encoderMs = 26 + 74 * mode.encoders * (1 + 0.1 * random()) + (frame < 2 ? 900 : 0)
    const transferMs = mode.payloadBytes / (70 + 40 * random())
    const decoderMs = 55 + 20 * random()
    device.learn(0, { mode, encoderMs, transferMs, decoderMs, probeMs: 0 })
    averageKBps = 0.4 * (mode.payloadBytes / transferMs) + 0.6 * averageKBps
    const next = slimmableModes.find(({ id }) => id === device.choose())!
    return JSON.stringify({
      bw: averageKBps,
      e2e: encoderMs + transferMs + decoderMs,
      mode: next.id,
      map: 100 * next.accuracy,
      encoder_time: encoderMs,
      kbs: next.payloadBytes,
      deadline: DEADLINE_MS,
      transfer_time: transferMs,
      decoder_time: decoderMs,
    })
  })
  return `${lines.join('\n')}\n`
}

const lines = parseSlimmableLog(log(200))
const usualMs = usualEncoderTimes([lines])
const recording = recordingOf(lines, usualMs)

test('the published controller, replayed, does in every frame what its log says', () => {
  const again = replay(recording, usualMs, new PublishedController(DEADLINE_MS))
  const logged = asLogged(recording)
  expect(again.map(({ mode }) => mode)).toEqual(logged.map(({ mode }) => mode))
  for (const [index, { wallMs }] of again.entries()) expect(wallMs).toBeCloseTo(logged[index]!.wallMs, 6)
})

test('the mode of a frame stands in the line before: the first one was sent in mode 11', () => {
  expect(recording.frames[0]!.mode).toBe(11)
  expect(recording.frames[1]!.mode).toBe(lines[0]!.nextMode)
})

test('a stall of the first frames costs every mode the same, a slow frame each encoder its share', () => {
  expect(recording.frames[0]).toMatchObject({ slowdown: 1 })
  expect(recording.frames[0]!.stallMs).toBeGreaterThan(800)
  expect(recording.frames[10]).toMatchObject({ stallMs: 0 })
})

test('a chooser learns of a frame only after it has chosen for it', () => {
  const calls: string[] = []
  const chooser: Chooser = {
    choose: () => {
      calls.push('choose')
      return 11
    },
    learn: () => calls.push('learn'),
  }
  replay(recording, usualMs, chooser)
  expect(calls).toEqual(recording.frames.flatMap(() => ['choose', 'learn']))
})

test("the device's own controller is late less often than the published one, and better by the deadline", () => {
  const ours = replay(recording, usualMs, new MeasuredChooser())
  const theirs = summarise(asLogged(recording))
  expect(summarise(ours).missRate).toBeLessThan(0.5 * theirs.missRate)
  expect(summarise(ours).effectiveAccuracy).toBeGreaterThan(theirs.effectiveAccuracy)
  expect(ours.some(({ mode }) => mode === 31 || mode === 32)).toBe(false)
})

test('nobody does better than the oracle, which is late only where every mode is', () => {
  const oracle = summarise(replayOracle(recording, usualMs))
  for (const chooser of [new MeasuredChooser(), new PublishedController(DEADLINE_MS)]) {
    const other = summarise(replay(recording, usualMs, chooser))
    expect(other.missRate).toBeGreaterThanOrEqual(oracle.missRate)
    expect(other.effectiveAccuracy).toBeLessThanOrEqual(oracle.effectiveAccuracy)
  }
  expect(oracle.missRate).toBeGreaterThanOrEqual(2 / 200)
})

const refused = (text: string, reason: RegExp) =>
  expect(() => recordingOf(parseSlimmableLog(text), usualMs)).toThrow(
    expect.objectContaining({ code: 'BAD_LOG', message: expect.stringMatching(reason) }),
  )

test('what is no log of this device is refused with the line and the field', () => {
  const [first, second] = log(2).split('\n') as [string, string]
  refused('', /no lines/)
  refused(`${first}\n{oops`, /Line 2 .*no JSON/)
  refused(`${first}\n[1]`, /Line 2 .*no object/)
  refused(second.replace('"bw"', '"bandwidth"'), /Line 1 .*"bw", got nothing/)
  refused(first.replace(/"transfer_time":[\d.]+/, '"transfer_time":0'), /"transfer_time", got 0/)
  refused(first.replace(/"decoder_time":[\d.]+/, '"decoder_time":"9"'), /"decoder_time", got "9"/)
  refused(`${first}\n${second.replace('"deadline":300', '"deadline":600')}`, /Line 2 .*deadline 600/)
  refused(first.replace(/"mode":\d+/, '"mode":55'), /no mode 55/)
  refused(second, /average rate of frame 1/)
})
