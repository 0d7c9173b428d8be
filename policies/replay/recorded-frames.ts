import { policyError } from '../errors.ts'
import { quantile } from '../quantile.ts'
import type { LoggedLine } from './slimmable-log.ts'
import { BYTES_PER_BIT, slimmableModes } from './slimmable-modes.ts'

/** What one frame met: independent of the mode in which it was sent, as far as that can be told. */
export interface RecordedFrame {
  /** The mode in which it was sent. */
  readonly mode: number
  readonly wallMs: number
  /** Bytes that crossed per ms. */
  readonly bytesPerMs: number
  /** What a transfer took whatever its size. The logs do not tell: 0 unless assumed otherwise. */
  readonly fixedMs: number
  /** How long the encoders took, over what that many of them usually take; 1 when they were held up. */
  readonly slowdown: number
  /** For how long the encoders were held up (the first two runs: about a second, however many they are). */
  readonly stallMs: number
  readonly decoderMs: number
}

export interface Recording {
  readonly deadlineMs: number
  readonly frames: readonly RecordedFrame[]
}

/** The published controller's beginning: its mode, and the rate that it assumes, in kB/s. */
export const FIRST_MODE = 11
export const FIRST_RATE_KBPS = 200
/** Weight of the newest rate in its average. */
export const RATE_WEIGHT = 0.4

/** Usual time of 1, 2, ... encoders in ms: index n holds that of n. */
export type EncoderTimes = readonly number[]

/**
 * A log's line holds the times of one frame beside the mode chosen *after* it: the frame itself was sent in the mode of
 * the line before, the first one in mode 11. That this is so follows from the logged average rate, which fits bytes and
 * time of every line only with the lines shifted. Checked here: BAD_LOG names the line where the average does not fit.
 */
function sentModes(lines: readonly LoggedLine[]): { mode: number; bytes: number }[] {
  let averageKBps = FIRST_RATE_KBPS
  let sent = { mode: FIRST_MODE, bytes: BYTES_PER_BIT * (FIRST_MODE % 10) }
  return lines.map((line, index) => {
    const { mode, bytes } = sent
    const expectedKBps = RATE_WEIGHT * (bytes / line.transferMs) + (1 - RATE_WEIGHT) * averageKBps
    if (Math.abs(line.averageKBps - expectedKBps) > 0.001 * expectedKBps) {
      const got = `is ${line.averageKBps.toFixed(2)} kB/s where ${expectedKBps.toFixed(2)} follows from the times`
      throw policyError(
        'BAD_LOG',
        `The average rate of frame ${index + 1} ${got}: no log of this controller.`,
      )
    }
    const known = slimmableModes.find(({ id }) => id === line.nextMode)
    if (known?.payloadBytes !== line.nextBytes) {
      throw policyError(
        'BAD_LOG',
        `Frame ${index + 1}: there is no mode ${line.nextMode} of ${line.nextBytes} bytes.`,
      )
    }
    averageKBps = line.averageKBps
    sent = { mode: line.nextMode, bytes: line.nextBytes }
    return { mode, bytes }
  })
}

/** The median time of each number of encoders over all logs of one device. What no log used is taken in proportion. */
export function usualEncoderTimes(logs: readonly (readonly LoggedLine[])[]): EncoderTimes {
  const byCount: number[][] = [[], [], [], [], []]
  for (const lines of logs) {
    for (const [index, { mode }] of sentModes(lines).entries()) {
      byCount[encodersOf(mode)]!.push(lines[index]!.encoderMs)
    }
  }
  const medians = byCount.map((times) => quantile(times, 0.5))
  const known = medians.findIndex((median) => median > 0)
  return medians.map((median, count) => (median > 0 ? median : (medians[known]! * count) / known))
}

export const encodersOf = (mode: number): number => Math.floor(mode / 10)

/**
 * From here on a long encoding is a stall, the same for any number of encoders, and not a slowdown that each of them
 * shares: the second run of every log took a second longer with one encoder as with four, while in a run of slow
 * frames two encoders lost more than one.
 */
const STALL = 1.5

/** What each frame of a log met. A transfer shorter than the assumed fixed part is taken as half fixed. */
export function recordingOf(
  lines: readonly LoggedLine[],
  usualMs: EncoderTimes,
  fixedTransferMs = 0,
): Recording {
  const sent = sentModes(lines)
  const frames = lines.map(({ wallMs, encoderMs, transferMs, decoderMs }, index) => {
    const { mode, bytes } = sent[index]!
    const usual = usualMs[encodersOf(mode)]!
    const stalled = encoderMs > STALL * usual
    const effort = stalled
      ? { slowdown: 1, stallMs: encoderMs - usual }
      : { slowdown: encoderMs / usual, stallMs: 0 }
    const fixedMs = Math.min(fixedTransferMs, transferMs / 2)
    return { mode, wallMs, bytesPerMs: bytes / (transferMs - fixedMs), fixedMs, decoderMs, ...effort }
  })
  return { deadlineMs: lines[0]!.deadlineMs, frames }
}
