import { join } from 'node:path'
import { loadBundle } from '@isthmus/models/bundle'
import { loadCifar10WithProgress, sliceImages } from '@isthmus/models/data'
import { weightsOf } from '@isthmus/models/nets'
import { readModel } from '@isthmus/models/onnx'
import { unreached } from '../part.ts'
import type { Measurement, Suite, SuiteContext } from '../suite.ts'
import { accuracyAt, spans } from '../variants/accuracy-at.ts'
import { teachersAnswers } from '../variants/answers.ts'
import { describedPoints } from '../variants/described-points.ts'
import { type Point, points } from '../variants/measuring.ts'
import { headOf, tailOf } from './graphs.ts'
import { members } from './member.ts'
import { type Lesson, trainMember } from './training.ts'

const SEED = 11
/** Of the label in a target, as in the recipe. */
const LABEL_SHARE = 0.3
/** About a tenth of what the encoder that ships took. */
const full = { trainImages: 20_000, testImages: 10_000, imitateEpochs: 10, fineTuneEpochs: 4 }
const quick = { trainImages: 256, testImages: 250, imitateEpochs: 1, fineTuneEpochs: 1 }
/** Of the slimmable one, between its tiers: so near to each other that a straight line between two is no worse than what is measured. */
const PLACES = Array.from({ length: 11 }, (_, step) => step / 10)

interface Row {
  readonly name: string
  readonly meaning: string
  readonly points: readonly Point[]
}

async function measure(context: SuiteContext): Promise<Measurement> {
  const { threads, say, bundles } = context
  const size = context.quick ? quick : full
  const { train, test, sha256 } = await loadCifar10WithProgress()
  const data = { train: sliceImages(train, 0, size.trainImages), test: sliceImages(test, 0, size.testImages) }
  const teacher = await loadBundle(join(bundles, 'cifar10-teacher'))
  const student = await loadBundle(join(bundles, 'cifar10-student'))
  say('asking the teacher')
  const lesson: Lesson = {
    images: data.train,
    targets: await teachersAnswers(teacher.modelBytes('full'), data.train, LABEL_SHARE, threads),
    studentHead: readModel(student.modelBytes('head')),
    start: new Map([
      ...weightsOf(readModel(teacher.modelBytes('full'))),
      ...weightsOf(readModel(student.modelBytes('tail'))),
    ]),
  }
  const rows: Row[] = []
  for (const member of members) {
    const weights = await trainMember(
      member,
      lesson,
      { seed: SEED, ...size, threads },
      (stage, done, steps) => say(`${member.name}: ${stage}, step ${done} of ${steps}`),
    )
    const places = member.tiers.length === 1 ? [0] : PLACES
    const tail = tailOf(weights)
    const found: Point[] = []
    for (const { width } of member.widths)
      found.push(
        ...(await points({ head: headOf(weights, width), tail }, weights, width, places, data, threads)),
      )
    rows.push({ name: member.name, meaning: member.meaning, points: found })
  }
  const [slimmable, ...fixed] = rows as [Row, ...Row[]]
  const taxes = fixed.map(({ name, points: own }) => {
    const [point] = own as [Point]
    const curve = slimmable.points.filter(({ width }) => width === point.width)
    return { name, taxPts: point.top1 - accuracyAt(curve, point.bytes), isBeyond: !spans(curve, point.bytes) }
  })
  const beyond = taxes.filter(({ isBeyond }) => isBeyond).map(({ name }) => name)
  const figure =
    beyond.length > 0 && !context.quick
      ? unreached('trainedTaxPts', `the slimmable encoder has no rate as that of ${beyond.join(', ')}`)
      : { figures: { trainedTaxPts: Math.max(...taxes.map(({ taxPts }) => taxPts)) } }
  return {
    figures: {},
    ...figure,
    peers: {},
    // A few steps of training tell nothing but that everything runs.
    ...(context.quick && { verdicts: { trainedTaxPts: null } }),
    detail: {
      seed: SEED,
      dataSha256: sha256,
      threads,
      ...size,
      taxes,
      members: Object.fromEntries(
        rows.map(({ name, meaning, points: found }) => [
          name,
          { meaning, points: describedPoints(found, data.test.count) },
        ]),
      ),
    },
  }
}

/** What it costs to be everything at once, between networks that are trained as the one that ships. */
export const taxSuite: Suite = {
  name: 'tax',
  meaning: 'one slimmable encoder against four that are trained for one operating point each',
  figures: [
    {
      name: 'trainedTaxPts',
      meaning:
        'worst loss of one slimmable encoder against separately trained fixed ones, at equal bytes, all started from the student, in points',
      target: { atMost: 1 },
      kind: 'result',
    },
  ],
  measure,
}
