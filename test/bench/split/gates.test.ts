import { fileURLToPath } from 'node:url'
import { loadBundle } from '@isthmus/models/bundle'
import { hasCifar10, loadCifar10, sliceImages } from '@isthmus/models/data'
import { describe, expect, it } from 'vitest'
import { behindExit, type Gates, measureGates } from './gates.ts'

const folder = fileURLToPath(new URL('../../../../models/bundles/cifar10', import.meta.url))
const wanted = (await hasCifar10()) || process.env.CI === 'true' || process.env.ISTHMUS_FETCH === '1'
if (!wanted) {
  console.warn(
    'skipped: filter and exit of bundle cifar10. Set ISTHMUS_FETCH=1 to download CIFAR-10 (139 MB).',
  )
}
const IMAGES = 1000

/** Four standard errors of a share seen in so many frames. */
const margin = (share: number, frames: number): number => 4 * Math.sqrt((share * (1 - share)) / frames)

describe('filter and exit of bundle cifar10', () => {
  it('state the point that is used, what it was measured to give, and a calibration that helps', async () => {
    const { filter, exit } = (await loadBundle(folder, { only: [] })).manifest
    if (!filter || !exit) throw new Error('Run the recipes filter and exit: the bundle lacks them.')
    for (const { recall, measuredRecall, measuredSkipped } of filter.points) {
      expect(measuredRecall).toBeGreaterThan(recall - 0.01)
      expect(measuredSkipped).toBeGreaterThan(0.5)
    }
    expect(filter.auc).toBeGreaterThan(0.97)
    for (const { target, accuracy } of exit.points) expect(accuracy).toBeGreaterThan(target - 0.006)
    expect(exit.eceAfter).toBeLessThan(exit.eceBefore!)
  })

  it.skipIf(!wanted)('do on the first 1,000 test images what the manifest states', async () => {
    const bundle = await loadBundle(folder)
    const { filter, exit } = bundle.manifest
    const { figures, leaves, passes } = await measureGates(
      bundle,
      sliceImages((await loadCifar10()).test, 0, IMAGES),
      2,
    )
    const point = filter!.points.find(({ recall }) => recall === filter!.recall)!
    const near = (measured: number, stated: number, frames: number) =>
      expect(Math.abs(measured - stated)).toBeLessThan(margin(stated, frames))
    near(figures.filterRecall, point.measuredRecall!, 0.6 * IMAGES)
    near(figures.filterSkippedPct / 100, point.measuredSkipped!, 0.4 * IMAGES)
    expect(figures.filterAuc).toBeGreaterThan(filter!.auc! - 0.02)
    const usual = exit!.points.find(({ target }) => target === exit!.target)!
    near(figures.exitSharePct / 100, usual.share!, IMAGES)
    near(figures.exitAccuracy, usual.accuracy!, usual.share! * IMAGES)
    expect([leaves.length, passes.length]).toEqual([IMAGES, IMAGES])
  })
})

describe('a split mode behind an exit', () => {
  it('has the answers of the exit where frames leave, and sends nothing for them', () => {
    const gates = {
      leaves: Uint8Array.of(1, 0, 1, 0),
      exitHits: Uint8Array.of(1, 1, 0, 0),
    } as unknown as Gates
    const behind = behindExit(gates, Uint8Array.of(0, 0, 1, 1), 100)
    expect(behind).toEqual({ hits: Uint8Array.of(1, 0, 0, 1), meanPayloadBytes: 50 })
  })
})
