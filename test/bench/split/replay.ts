import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  asLogged,
  MeasuredChooser,
  PublishedController,
  parseSlimmableLog,
  type ReplayedFrame,
  recordingOf,
  replay,
  replayOracle,
  summarise,
  usualEncoderTimes,
} from '@isthmus/policies/replay'

const distances = [1, 3, 5, 7, 9]
const deadlines = [600, 300]
/** How much of a transfer does not depend on its size the logs do not tell: replayed as none, and as this much. */
const FIXED_MS = 30

/** How one controller did on one trace. */
export interface ReplayScore {
  readonly missPct: number
  /** Mean average precision of the chosen modes, in points. */
  readonly meanMap: number
  /** The same with 0 for every late frame. */
  readonly effectiveMap: number
  readonly switches: number
}

export interface ReplayTrace {
  readonly distance: number
  readonly deadlineMs: number
  readonly frames: number
  /** The published controller as its device logged it, and the same one in this replay: a check of the replay. */
  readonly publishedLogged: ReplayScore
  readonly publishedReplayed: ReplayScore
  readonly ours: ReplayScore
  /** Sees each frame beforehand: its misses are those that no mode could avoid. */
  readonly oracle: ReplayScore
  /** Ours if part of each transfer did not depend on its size. */
  readonly oursWithFixedTransfer: ReplayScore
}

export interface ReplayFigures {
  readonly figures: {
    /** Worst of the five distances. */
    readonly replayMiss600Pct: number
    readonly replayMiss300Pct: number
  }
  readonly detail: {
    readonly fixedTransferMs: number
    /** Worst of the five distances of what no mode could have avoided. */
    readonly floor600Pct: number
    readonly floor300Pct: number
    /** Worst of the five distances of what was avoidable and was missed all the same. */
    readonly avoidable600Pct: number
    readonly avoidable300Pct: number
    /** Traces, of ten, on which the effective precision is above that of the published controller. */
    readonly betterEffectiveMap: number
    readonly traces: readonly ReplayTrace[]
  }
}

/**
 * Replays the published Bluetooth logs (`FOLDER/slimmable-replay/output_distance_N_deadline_M.jsonl`) with the
 * device's own controller as it is set by default. `folder` is that of ISTHMUS_SHARED_DATA. Undefined where it does
 * not hold the logs. Throws BAD_LOG for a log that is not of this device.
 */
export async function replayFigures(folder: string): Promise<ReplayFigures | undefined> {
  const data = join(folder, 'slimmable-replay')
  if (!existsSync(data)) return undefined
  const runs = deadlines.flatMap((deadlineMs) => distances.map((distance) => ({ distance, deadlineMs })))
  const logs = await Promise.all(
    runs.map(async ({ distance, deadlineMs }) =>
      parseSlimmableLog(
        await readFile(join(data, `output_distance_${distance}_deadline_${deadlineMs}.jsonl`), 'utf8'),
      ),
    ),
  )
  const usualMs = usualEncoderTimes(logs)
  const traces = runs.map(({ distance, deadlineMs }, index): ReplayTrace => {
    const lines = logs[index]!
    const recording = recordingOf(lines, usualMs)
    const otherwise = recordingOf(lines, usualMs, FIXED_MS)
    return {
      distance,
      deadlineMs,
      frames: lines.length,
      publishedLogged: score(asLogged(recording)),
      publishedReplayed: score(replay(recording, usualMs, new PublishedController(deadlineMs))),
      ours: score(replay(recording, usualMs, new MeasuredChooser())),
      oracle: score(replayOracle(recording, usualMs)),
      oursWithFixedTransfer: score(replay(otherwise, usualMs, new MeasuredChooser())),
    }
  })
  const worst = (deadlineMs: number, of: (trace: ReplayTrace) => number) =>
    Math.max(...traces.filter((trace) => trace.deadlineMs === deadlineMs).map(of))
  const avoidable = ({ ours, oracle }: ReplayTrace) => ours.missPct - oracle.missPct
  return {
    figures: {
      replayMiss600Pct: worst(600, ({ ours }) => ours.missPct),
      replayMiss300Pct: worst(300, ({ ours }) => ours.missPct),
    },
    detail: {
      fixedTransferMs: FIXED_MS,
      floor600Pct: worst(600, ({ oracle }) => oracle.missPct),
      floor300Pct: worst(300, ({ oracle }) => oracle.missPct),
      avoidable600Pct: worst(600, avoidable),
      avoidable300Pct: worst(300, avoidable),
      betterEffectiveMap: traces.filter(
        ({ ours, publishedLogged }) => ours.effectiveMap > publishedLogged.effectiveMap,
      ).length,
      traces,
    },
  }
}

function score(frames: readonly ReplayedFrame[]): ReplayScore {
  const { missRate, accuracy, effectiveAccuracy, switches } = summarise(frames)
  return {
    missPct: 100 * missRate,
    meanMap: 100 * accuracy,
    effectiveMap: 100 * effectiveAccuracy,
    switches,
  }
}
