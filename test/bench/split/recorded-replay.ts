import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { SuiteContext } from '../suite.ts'
import { sharedData } from './cuts.ts'
import { leftOut, type Part } from './part.ts'

const names = ['replayMiss600Pct', 'replayMiss300Pct']

/** The recorded runs of a slimmable split detector over Bluetooth, with our controller in place of theirs. */
export async function measureReplay({ say }: SuiteContext): Promise<Part> {
  const folder = join(sharedData(), 'slimmable-replay')
  if (!existsSync(folder)) return leftOut(names, 'the recorded runs are absent: see ISTHMUS_SHARED_DATA')
  const file = fileURLToPath(new URL('./replay.js', import.meta.url))
  if (!existsSync(file)) return leftOut(names, 'there is no replay yet')
  say('replaying recorded runs')
  const { replayFigures } = await import(file)
  return replayFigures(folder)
}
