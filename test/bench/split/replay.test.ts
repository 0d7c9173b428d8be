import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { replayFigures } from './replay.ts'

const shared = process.env.ISTHMUS_SHARED_DATA

it('has no figures where the logs are not', async () => {
  const empty = await mkdtemp(join(tmpdir(), 'isthmus-replay-'))
  expect(await replayFigures(empty)).toBeUndefined()
  await rm(empty, { recursive: true })
})

it.skipIf(!shared)(
  'replays the published controller as it was logged (skipped without ISTHMUS_SHARED_DATA=FOLDER)',
  async () => {
    const { figures, detail } = (await replayFigures(shared!))!
    for (const { publishedLogged, publishedReplayed } of detail.traces) {
      expect(publishedReplayed.missPct).toBeCloseTo(publishedLogged.missPct, 0)
    }
    expect(detail.betterEffectiveMap).toBe(10)
    expect(figures.replayMiss600Pct).toBeLessThanOrEqual(5)
    // At distance 5 no mode meets 300 ms in every sixth frame.
    expect(figures.replayMiss300Pct).toBeLessThanOrEqual(Math.max(15, detail.floor300Pct + 0.5))
  },
)
