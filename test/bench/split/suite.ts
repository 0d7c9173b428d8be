import { join } from 'node:path'
import { type Bundle, loadBundle } from '@isthmus/models/bundle'
import { loadCifar10WithProgress, sliceImages } from '@isthmus/models/data'
import { inspectModel, readModel } from '@isthmus/models/onnx'
import { pairedDifferenceInterval, proportionInterval } from '../statistics.ts'
import type { Detail, FigureSpec, Measurement, Suite, SuiteContext } from '../suite.ts'
import { type Hits, modelHits, type SplitMode, splitHits } from './accuracy.ts'
import { tryFixtures, tryInception } from './cuts.ts'

const BUNDLE = 'cifar10'
const QUICK_IMAGES = 1000

const count = (hits: Hits): number => hits.reduce((sum, hit) => sum + hit, 0)
const percentage = (hits: Hits): number => (100 * count(hits)) / hits.length

/** In percent. */
function accuracyInterval(hits: Hits): [number, number] {
  const [low, high] = proportionInterval(count(hits), hits.length)
  return [100 * low, 100 * high]
}

/** How far the second falls below the first on the same images, in points, with its interval. */
function drop(first: Hits, second: Hits): { points: number; interval95: [number, number] } {
  let onlyFirst = 0
  let onlySecond = 0
  first.forEach((hit, image) => {
    if (hit > second[image]!) onlyFirst++
    else if (hit < second[image]!) onlySecond++
  })
  const [low, high] = pairedDifferenceInterval(onlyFirst, onlySecond, first.length)
  return { points: (100 * (onlyFirst - onlySecond)) / first.length, interval95: [100 * low, 100 * high] }
}

/** The mode that the figures are about: 8 bits, packed, no entropy coding. */
const isPlain8 = ({ quantizer }: SplitMode): boolean => quantizer.bits === 8 && quantizer.kind !== 'entropy'

async function measure({ quick, bundles, threads, say }: SuiteContext): Promise<Measurement> {
  say('cutting every fixture graph at every place')
  const fixtures = await tryFixtures()
  const inceptionV3 = await tryInception(quick ? 2 : 30)
  const bundle = await loadBundle(join(bundles, BUNDLE))
  const { test, sha256 } = await loadCifar10WithProgress()
  const images = quick ? sliceImages(test, 0, QUICK_IMAGES) : test
  say(`classifying ${images.count} test images`)
  const teacher = await modelHits(bundle, 'full', images, threads)
  const local = await modelHits(bundle, 'local', images, threads)
  const modes = bundle.manifest.modes.filter((mode): mode is SplitMode => mode.route === 'split')
  const splits = []
  for (const mode of modes) splits.push({ mode, ...(await splitHits(bundle, mode, images, threads)) })
  const student = splits.find(({ mode }) => isPlain8(mode))
  if (!student) throw new Error(`Bundle ${bundle.id} has no split mode of 8 bits.`)
  const fall = drop(teacher, student.hits)
  const { macs, parameters } = inspectedLocal(bundle)
  const figures = {
    teacherTop1: percentage(teacher),
    localTop1: percentage(local),
    localMacsM: macs / 1e6,
    localParamsK: parameters / 1e3,
    studentTop1: percentage(student.hits),
    payloadBytes: student.payloadBytes,
    studentDropPts: fall.points,
    cutBitIdentical: fixtures.different.length === 0 ? 1 : 0,
  }
  const intervals = {
    teacherTop1: accuracyInterval(teacher),
    localTop1: accuracyInterval(local),
    studentTop1: accuracyInterval(student.hits),
    studentDropPts: fall.interval95,
  }
  return {
    figures,
    peers: {},
    // A thousand images tell an accuracy to a point or two. So a quick run asks whether the bundle keeps what its
    // manifest states; whether that reaches the target is for the full run to say, and for the table.
    ...(quick && { verdicts: keptClaims(intervals, bundle) }),
    detail: {
      images: `the first ${images.count} of the CIFAR-10 test set`,
      dataSha256: sha256,
      threads,
      intervals95: intervals,
      bundle: { id: bundle.id, key: bundle.key.toString(16).padStart(8, '0'), claimed: claims(bundle) },
      modes: Object.fromEntries(
        splits.map(({ mode, hits, payloadBytes, meanPayloadBytes }) => [
          mode.name,
          {
            bits: mode.quantizer.bits,
            top1: percentage(hits),
            payloadBytes,
            meanPayloadBytes,
            dropPts: drop(teacher, hits).points,
          },
        ]),
      ),
      cuts: { graphs: fixtures.graphs, cuts: fixtures.cuts, different: [...fixtures.different], inceptionV3 },
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

/** For each figure with an interval: null when the interval holds what the manifest states, else what is wrong. */
function keptClaims(
  intervals: Readonly<Record<string, readonly [number, number]>>,
  { manifest }: Bundle,
): Record<string, string | null> {
  const percent = (accuracy: number | undefined) => 100 * (accuracy ?? Number.NaN)
  const teacherTop1 = percent(manifest.models.full?.accuracy)
  const student = manifest.modes.find((mode) => mode.route === 'split' && isPlain8(mode))
  const studentTop1 = percent(student?.accuracy)
  const stated: Record<string, number> = {
    teacherTop1,
    localTop1: percent(manifest.models.local?.accuracy),
    studentTop1,
    studentDropPts: teacherTop1 - studentTop1,
  }
  return Object.fromEntries(
    Object.entries(intervals).map(([name, [low, high]]) => {
      const claim = stated[name]!
      const range = `${low.toFixed(2)} to ${high.toFixed(2)}`
      const kept = low <= claim && claim <= high
      return [name, kept ? null : `the manifest states ${claim.toFixed(2)}, outside the interval ${range}`]
    }),
  )
}

const result = (name: string, meaning: string, target: FigureSpec['target']): FigureSpec => ({
  name,
  meaning,
  target,
  kind: 'result',
})

const splitFigures: readonly FigureSpec[] = [
  result('teacherTop1', "the edge's network on the CIFAR-10 test set, %", { atLeast: 92 }),
  result('localTop1', "the device's own network, %", { atLeast: 87.9 }),
  result('localMacsM', 'its multiply-adds, millions', { atMost: 12.5 }),
  result('localParamsK', 'its parameters, thousands', { atMost: 80 }),
  result('studentTop1', 'head, 8-bit bottleneck as on the wire, tail, %', { atLeast: 91.4 }),
  result('payloadBytes', 'coded bottleneck of one frame', { atMost: 512 }),
  result('studentDropPts', 'teacher minus student on the same images, points', { atMost: 0.6 }),
  result('cutBitIdentical', 'head and tail equal the whole bit for bit, all fixture graphs and cuts', {
    atLeast: 1,
  }),
]

/** The networks that ship, measured again, and the cutter. */
export const splitSuite: Suite = {
  name: 'split',
  meaning: 'the networks of bundle cifar10, measured again as they run; cuts that change no bit',
  figures: splitFigures,
  measure,
}
