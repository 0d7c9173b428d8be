import { join } from 'node:path'
import type { ImageInput } from '../data/index.ts'
import { modelError } from '../errors.ts'
import { type ConstantTensor, readModelFile, writeModel } from '../onnx/index.ts'
import { evenly } from '../pack/photos.ts'
import { openSession } from '../runtime/index.ts'
import type { ThreadTask } from '../train/index.ts'
import type { AnswerKind } from './answers.ts'
import { type DistillationSettings, distilAnswers, distilFeatures, type PhaseOptions } from './distil.ts'
import type { PairShape } from './geometry.ts'
import { rateTiers } from './rates.ts'
import { fieldsOf, type Point, pointStatistics, type TargetPlan, targetsOf, withTaps } from './targets.ts'
import { pieces } from './teacher.ts'
import type { StudentPlan } from './training-graph.ts'
import { ViewStore } from './view-store.ts'

/** Everything that the training thread is told: plain data. */
export interface DistilInput {
  readonly model: string
  readonly modelSha256: string
  readonly input: ImageInput & { readonly name: string }
  readonly output: string
  readonly classes: number
  readonly kind: AnswerKind
  /** The cut first, then the later points at which student and teacher are compared. */
  readonly points: readonly Point[]
  readonly shape: PairShape
  readonly photos: readonly string[]
  readonly viewsPerPhoto: number
  readonly settings: DistillationSettings
  readonly seed: number
  readonly work: string
  readonly threads: number
}

export interface DistilOutput {
  readonly weights: Map<string, ConstantTensor>
  readonly positive: boolean
  /** Of the two stages, interruptions not counted. */
  readonly elapsedS: number
}

const CHECKPOINT_EVERY_STEPS = 50

/** Records that the teacher's variance at a point is taken from. */
const STATISTICS_RECORDS = 48

/** What the teacher's targets depend on: the sizes of the student, and how long it learns, are not among it. */
function targetsIdentity(task: DistilInput): string {
  const { modelSha256, input, output, kind, points, photos, viewsPerPhoto, seed } = task
  return JSON.stringify({ modelSha256, input, output, kind, points, photos, viewsPerPhoto, seed })
}

/** The whole training, in a thread of its own: the teacher's targets, then both stages. It can be stopped, and goes on. */
const distilTask: ThreadTask<DistilInput, DistilOutput> = async (task, { onProgress, signal }) => {
  const { work, points, photos, viewsPerPhoto, settings, seed, threads, shape } = task
  const model = await readModelFile(task.model)
  const plan: TargetPlan = { ...task, side: shape.side }
  const identity = targetsIdentity(task)
  const { store, records } = await ViewStore.open(work, identity, fieldsOf(plan))
  try {
    const count = photos.length * viewsPerPhoto
    if (records < count) {
      const startedMs = performance.now()
      const teacher = await openSession(writeModel(withTaps(model, points)), { intraOpThreads: threads })
      try {
        await store.fill(records, count, async (at) => {
          if (signal.aborted) throw modelError('TRAINING_STOPPED', `Stopped after view ${at} of ${count}.`)
          const itemsPerSecond = (at - records) / ((performance.now() - startedMs) / 1000) || 0
          const secondsLeft = itemsPerSecond > 0 ? (count - at) / itemsPerSecond : 0
          onProgress({
            phase: "the teacher's answers",
            step: at,
            steps: count,
            loss: 0,
            itemsPerSecond,
            secondsLeft,
          })
          return targetsOf(teacher, plan, at)
        })
      } finally {
        await teacher.dispose()
      }
    }
    const sample = evenly(
      Array.from({ length: count }, (_, at) => at),
      STATISTICS_RECORDS,
    )
    const statistics = pointStatistics(store, points.length, sample)
    const student: StudentPlan = {
      shape,
      positive: statistics[0]!.least >= 0,
      points: points.map((point, at) => ({ ...point, variance: statistics[at]!.variance })),
      pieces: pieces(
        model,
        points.map((point) => point.tensor),
      ),
      answer: { classes: task.classes, kind: task.kind === 'probabilities' ? 'probabilities' : 'logits' },
      tiers: rateTiers,
      pixels: task.input,
      seed,
    }
    const data = { store, photos: photos.length, viewsPerPhoto }
    const phase = (name: string, belongsTo: object): PhaseOptions => ({
      threads,
      onProgress,
      signal,
      checkpoint: {
        file: join(work, `${name}.checkpoint`),
        identity: JSON.stringify([identity, shape, rateTiers, belongsTo]),
        everySteps: CHECKPOINT_EVERY_STEPS,
      },
    })
    const { batch, featureSteps, featureRate } = settings
    const first = await distilFeatures(
      student,
      settings,
      data,
      phase('features', { batch, featureSteps, featureRate }),
    )
    if (settings.answerSteps === 0 || task.kind === 'scores') {
      return { weights: first.weights, positive: student.positive, elapsedS: first.elapsedS }
    }
    const second = await distilAnswers(student, settings, first.weights, data, phase('answers', settings))
    return {
      weights: new Map([...first.weights, ...second.weights]),
      positive: student.positive,
      elapsedS: first.elapsedS + second.elapsedS,
    }
  } finally {
    store.close()
  }
}

export default distilTask
