import { leftOut, type Part } from '../part.ts'
import type { SuiteContext } from '../suite.ts'
import { sharedData } from './cuts.ts'
import { replayFigures } from './replay.ts'

const names = ['replayMiss600Pct', 'replayMiss300Pct']

/** The recorded runs of a slimmable split detector over Bluetooth, with our controller in place of theirs. */
export async function measureReplay({ say }: SuiteContext): Promise<Part> {
  say('replaying recorded runs')
  const replayed = await replayFigures(sharedData())
  if (!replayed) return leftOut(names, 'the recorded runs are absent: see ISTHMUS_SHARED_DATA')
  const { traces, ...rest } = replayed.detail
  const { replayMiss300Pct } = replayed.figures
  const { floor300Pct } = replayed.detail
  return {
    figures: { ...replayed.figures },
    // A target below what an oracle misses that sees every frame is no fault of the controller: the table shows it as missed.
    ...(replayMiss300Pct <= floor300Pct + 1e-9 && { verdicts: { replayMiss300Pct: null } }),
    detail: {
      replay: {
        ...rest,
        traces: traces.map(({ distance, deadlineMs, frames, ...scores }) => ({
          distance,
          deadlineMs,
          frames,
          ...Object.fromEntries(Object.entries(scores).map(([name, score]) => [name, { ...score }])),
        })),
      },
    },
  }
}
