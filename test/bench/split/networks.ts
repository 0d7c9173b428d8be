import type { Bundle } from '@isthmus/models/bundle'
import { inspectModel, readModel } from '@isthmus/models/onnx'
import type { Part } from '../part.ts'
import { pairedDifferenceInterval, proportionInterval } from '../statistics.ts'
import type { Detail } from '../suite.ts'
import { classifyBy, countHits, type Hits, hitsOf, percentage } from './classify.ts'
import type { World } from './world.ts'

type Range = readonly [low: number, high: number]

/** In percent. */
export function accuracyInterval(hits: Hits): Range {
  const [low, high] = proportionInterval(countHits(hits), hits.length)
  return [100 * low, 100 * high]
}

/** How far the second falls below the first on the same images, in points, with its interval. */
export function drop(first: Hits, second: Hits): { points: number; interval95: Range } {
  let onlyFirst = 0
  let onlySecond = 0
  first.forEach((hit, image) => {
    if (hit > second[image]!) onlyFirst++
    else if (hit < second[image]!) onlySecond++
  })
  const [low, high] = pairedDifferenceInterval(onlyFirst, onlySecond, first.length)
  return { points: (100 * (onlyFirst - onlySecond)) / first.length, interval95: [100 * low, 100 * high] }
}

/** An accuracy of 0 to 1 as a manifest states it, in percent. */
export const stated = (accuracy: number | undefined): number => 100 * (accuracy ?? Number.NaN)

/** Null when the interval holds what the manifest states, else what is wrong. */
export function keptClaim([low, high]: Range, claim: number): string | null {
  if (low <= claim && claim <= high) return null
  return `the manifest states ${claim.toFixed(2)}, outside the interval ${low.toFixed(2)} to ${high.toFixed(2)}`
}

/** The teacher and the device's own network: accuracy and size. */
export async function measureNetworks(world: World): Promise<Part & { teacher: Hits }> {
  const { bundle, pictures, labels, threads, quick } = world
  world.say(`classifying ${pictures.length} test images by teacher and local network`)
  const by = async (which: 'full' | 'local') =>
    hitsOf(await classifyBy(bundle.manifest, bundle.modelBytes(which), pictures, threads), labels)
  const teacher = await by('full')
  const local = await by('local')
  const { macs, parameters } = inspectedLocal(bundle)
  const intervals = { teacherTop1: accuracyInterval(teacher), localTop1: accuracyInterval(local) }
  const { full, local: localFile } = bundle.manifest.models
  return {
    teacher,
    figures: {
      teacherTop1: percentage(teacher),
      localTop1: percentage(local),
      localMacsM: macs / 1e6,
      localParamsK: parameters / 1e3,
    },
    // A thousand images tell an accuracy to a point or two. So a quick run asks whether the bundle keeps what its
    // manifest states; whether that reaches the target is for the full run to say, and for the table.
    ...(quick && {
      verdicts: {
        teacherTop1: keptClaim(intervals.teacherTop1, stated(full?.accuracy)),
        localTop1: keptClaim(intervals.localTop1, stated(localFile?.accuracy)),
      },
    }),
    detail: {
      images: `the first ${pictures.length} of the CIFAR-10 test set`,
      dataSha256: world.dataSha256,
      threads,
      networkIntervals95: intervals,
      bundle: { id: bundle.id, key: bundle.key.toString(16).padStart(8, '0'), claimed: claims(bundle) },
    },
  }
}

/** Counted in the model itself, whatever the manifest says. */
function inspectedLocal(bundle: Bundle): { macs: number; parameters: number } {
  const { name, dims } = bundle.manifest.input
  return inspectModel(readModel(bundle.modelBytes('local')), { [name]: [1, ...dims] })
}

/** What the manifest promises, to be compared with what was measured. */
function claims({ manifest }: Bundle): Detail {
  const of = (accuracy: number | undefined) => (accuracy === undefined ? null : 100 * accuracy)
  return {
    teacherTop1: of(manifest.models.full?.accuracy),
    localTop1: of(manifest.models.local?.accuracy),
    ...Object.fromEntries(manifest.modes.map((mode) => [mode.name, of(mode.accuracy)])),
  }
}
