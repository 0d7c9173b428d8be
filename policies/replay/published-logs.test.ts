import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  asLogged,
  MeasuredChooser,
  PublishedController,
  parseSlimmableLog,
  recordingOf,
  replay,
  replayOracle,
  summarise,
  usualEncoderTimes,
} from './index.ts'

const folder = join(process.env.ISTHMUS_SHARED_DATA ?? '', 'slimmable-replay')
const runs = [600, 300].flatMap((deadlineMs) => [1, 3, 5, 7, 9].map((distance) => ({ distance, deadlineMs })))

describe.skipIf(!existsSync(folder))(
  'the published Bluetooth logs (skipped without ISTHMUS_SHARED_DATA=FOLDER)',
  () => {
    const read = ({ distance, deadlineMs }: (typeof runs)[number]) =>
      readFileSync(join(folder, `output_distance_${distance}_deadline_${deadlineMs}.jsonl`), 'utf8')
    const setUp = () => {
      const logs = runs.map((run) => parseSlimmableLog(read(run)))
      const usualMs = usualEncoderTimes(logs)
      return { usualMs, recordings: logs.map((lines) => recordingOf(lines, usualMs)) }
    }

    it('say of every frame what the published controller, replayed, does', () => {
      const { usualMs, recordings } = setUp()
      for (const recording of recordings) {
        const again = replay(recording, usualMs, new PublishedController(recording.deadlineMs))
        const logged = asLogged(recording)
        const differ = again.filter(({ mode }, index) => mode !== logged[index]!.mode)
        expect(differ.length).toBeLessThanOrEqual(1)
        expect(summarise(again).missRate).toBeCloseTo(summarise(logged).missRate, 2)
      }
    })

    it("let the device's own controller do better in all ten, and miss hardly more than nobody could help", () => {
      const { usualMs, recordings } = setUp()
      for (const recording of recordings) {
        const ours = summarise(replay(recording, usualMs, new MeasuredChooser()))
        const theirs = summarise(asLogged(recording))
        const floor = summarise(replayOracle(recording, usualMs)).missRate
        expect(ours.effectiveAccuracy).toBeGreaterThan(theirs.effectiveAccuracy)
        expect(ours.missRate).toBeLessThan(theirs.missRate)
        // At distance 5 no mode at all meets 300 ms in every sixth frame.
        const aim = recording.deadlineMs === 600 ? 0.05 : 0.15
        expect(ours.missRate).toBeLessThanOrEqual(Math.max(aim, floor + 0.005))
      }
    })
  },
)
