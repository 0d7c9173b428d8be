import type { EncoderTimes, RecordedFrame, Recording } from './recorded-frames.ts'
import { type SlimmableMode, slimmableModes } from './slimmable-modes.ts'

/** What a device measures of a frame that it has sent. */
export interface FrameTimes {
  readonly mode: SlimmableMode
  readonly encoderMs: number
  readonly transferMs: number
  readonly decoderMs: number
  /** What the echo of a small probe takes meanwhile. */
  readonly probeMs: number
}

/** Bytes of a message that measures the round trip. */
export const PROBE_BYTES = 45

/** Decides frame by frame, and learns of a frame only after it is through. */
export interface Chooser {
  choose(nowMs: number, deadlineMs: number): number
  learn(nowMs: number, times: FrameTimes): void
}

export interface ReplayedFrame {
  readonly mode: number
  readonly wallMs: number
  readonly late: boolean
}

/** What a mode would have taken on a frame: its rate, decoder time, slowdown and stall, with the mode's bytes and encoders. */
export function timesOf(mode: SlimmableMode, frame: RecordedFrame, usualMs: EncoderTimes): FrameTimes {
  return {
    mode,
    encoderMs: frame.slowdown * usualMs[mode.encoders]! + frame.stallMs,
    transferMs: frame.fixedMs + mode.payloadBytes / frame.bytesPerMs,
    decoderMs: frame.decoderMs,
    probeMs: frame.fixedMs + PROBE_BYTES / frame.bytesPerMs,
  }
}

const wallOf = ({ encoderMs, transferMs, decoderMs }: FrameTimes) => encoderMs + transferMs + decoderMs

/** Lets a chooser go through a recording in virtual time, one frame after the other, as the published device did. */
export function replay(recording: Recording, usualMs: EncoderTimes, chooser: Chooser): ReplayedFrame[] {
  const { deadlineMs, frames } = recording
  let nowMs = 0
  return frames.map((frame) => {
    const chosen = chooser.choose(nowMs, deadlineMs)
    const times = timesOf(slimmableModes.find(({ id }) => id === chosen)!, frame, usualMs)
    const wallMs = wallOf(times)
    nowMs += wallMs
    chooser.learn(nowMs, times)
    return { mode: chosen, wallMs, late: wallMs > deadlineMs }
  })
}

/** The best that anybody could do who knew each frame beforehand: what is late in every mode goes out in the quickest. */
export function replayOracle(recording: Recording, usualMs: EncoderTimes): ReplayedFrame[] {
  const { deadlineMs, frames } = recording
  return frames.map((frame) => {
    const all = slimmableModes.map((mode) => ({ mode, wallMs: wallOf(timesOf(mode, frame, usualMs)) }))
    const inTime = all.filter(({ wallMs }) => wallMs <= deadlineMs)
    const best =
      inTime.length > 0
        ? inTime.reduce((a, b) => (b.mode.accuracy > a.mode.accuracy ? b : a))
        : all.reduce((a, b) => (b.wallMs < a.wallMs ? b : a))
    return { mode: best.mode.id, wallMs: best.wallMs, late: best.wallMs > deadlineMs }
  })
}

/** What was logged, to compare a replay with. */
export function asLogged({ deadlineMs, frames }: Recording): ReplayedFrame[] {
  return frames.map(({ mode, wallMs }) => ({ mode, wallMs, late: wallMs > deadlineMs }))
}

export interface ReplaySummary {
  readonly frames: number
  /** Share of frames after their deadline, 0..1. */
  readonly missRate: number
  /** Mean accuracy of the modes chosen, late or not, 0..1. */
  readonly accuracy: number
  /** The same with 0 for every late frame. */
  readonly effectiveAccuracy: number
  readonly meanMs: number
  readonly switches: number
}

export function summarise(frames: readonly ReplayedFrame[]): ReplaySummary {
  const accuracyOf = (mode: number) => slimmableModes.find(({ id }) => id === mode)!.accuracy
  const mean = (of: (frame: ReplayedFrame) => number) =>
    frames.reduce((sum, frame) => sum + of(frame), 0) / frames.length
  return {
    frames: frames.length,
    missRate: mean(({ late }) => (late ? 1 : 0)),
    accuracy: mean(({ mode }) => accuracyOf(mode)),
    effectiveAccuracy: mean(({ mode, late }) => (late ? 0 : accuracyOf(mode))),
    meanMs: mean(({ wallMs }) => wallMs),
    switches: frames.filter(({ mode }, index) => index > 0 && mode !== frames[index - 1]!.mode).length,
  }
}
