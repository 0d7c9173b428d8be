import type { SuiteContext } from '../suite.ts'
import { sharedData } from './cuts.ts'
import { leftOut, type Part } from './part.ts'
import { replayFigures } from './replay.ts'

const names = ['replayMiss600Pct', 'replayMiss300Pct']

/** The recorded runs of a slimmable split detector over Bluetooth, with our controller in place of theirs. */
export async function measureReplay({ say }: SuiteContext): Promise<Part> {
  say('replaying recorded runs')
  const replayed = await replayFigures(sharedData())
  if (!replayed) return leftOut(names, 'the recorded runs are absent: see ISTHMUS_SHARED_DATA')
  const { traces, ...rest } = replayed.detail
  return {
    figures: { ...replayed.figures },
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
