import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import * as bottleneck from '../bottleneck/index.ts'
import type { PhotoSplit } from '../bottleneck/split-photos.ts'
import { standsInTheWay } from '../bundle/write.ts'
import type { ImageInput } from '../data/image-files.ts'
import { listPhotos } from '../data/photo-folder.ts'
import { readModelFile } from '../onnx/model-files.ts'
import { writeModel } from '../onnx/write.ts'
import { checkLabelCount, packError, parseLabels, surveyPhotos } from '../pack/index.ts'
import { openSession } from '../runtime/node.ts'
import { runInThread } from '../train/thread.ts'
import {
  type BottleneckOptions,
  bottleneckHelp,
  checkTables,
  readBottleneckOptions,
  workFolderOf,
} from './bottleneck-options.ts'
import { describePlan, describeTransform, proposalTable, resultTable } from './bottleneck-tables.ts'
import type { Command, Output } from './kit/index.ts'
import { nextSteps } from './pack-report.ts'

/** The photos that can be read; what cannot is passed over and said. */
async function readablePhotos(
  options: BottleneckOptions,
  teacher: bottleneck.Teacher,
  output: Output,
): Promise<string[]> {
  const paths = await listPhotos(options.images)
  const input = { ...teacher.network.input, mean: [0, 0, 0], std: [1, 1, 1], fit: options.fit }
  const { readable, unreadable } = await surveyPhotos(paths, input, [], (done) =>
    output.progress?.('reading photos', done, paths.length),
  )
  if (unreadable[0]) {
    const more = unreadable.length > 1 ? ` (and ${unreadable.length - 1} more)` : ''
    output.warn(`Note: passed over ${unreadable[0].path}: ${unreadable[0].reason}${more}`)
  }
  return [...readable]
}

async function readLabels({ labels, background }: BottleneckOptions, classes: number): Promise<string[]> {
  if (labels === undefined) return Array.from({ length: classes }, (_, index) => `class ${index}`)
  const bytes = await readFile(labels).catch((cause: Error) => {
    throw packError('LABELS_MISMATCH', `Cannot read the labels "${labels}": ${cause.message}.`)
  })
  const names = background ? ['background', ...parseLabels(bytes)] : parseLabels(bytes)
  checkLabelCount(names, classes, background)
  return names
}

/** Tries the teacher, which also finds the scale of its pixels when nobody said it. */
async function tryTeacher(
  options: BottleneckOptions,
  teacher: bottleneck.Teacher,
  photos: readonly string[],
  output: Output,
) {
  const session = await openSession(writeModel(teacher.model), { intraOpThreads: options.threads })
  try {
    const trial = await bottleneck.tryTeacher(
      teacher,
      session,
      photos,
      options.pixels,
      options.fit,
      (done, total) => output.progress?.('trying scales of pixels', done, total),
    )
    const [first, second] = trial.guesses
    if (first && second) {
      const close = second.score > 0.8 * first.score ? ' That is close: say --scale if you know it.' : ''
      output.print(
        `Scale of pixels: --scale ${first.scale} (its answers tell the photos apart best: ${first.score.toFixed(1)}, next ${second.scale} with ${second.score.toFixed(1)}).${close}`,
      )
    }
    if (trial.kind === 'scores') {
      output.warn(
        'Note: the answers are numbers from 0 to 1 that do not add up to 1: only features are matched, stage 2 is left out.',
      )
    }
    return trial
  } finally {
    await session.dispose()
  }
}

/** Runs the training in its thread, with progress; Ctrl-C stops it behind a checkpoint. */
async function train(task: bottleneck.DistilInput, output: Output): Promise<bottleneck.DistilOutput> {
  const interrupted = new AbortController()
  const stop = () => interrupted.abort()
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
  try {
    return await runInThread<bottleneck.DistilOutput>(
      new URL('../bottleneck/distil-task.js', import.meta.url),
      task,
      {
        onProgress: ({ phase, step, steps, loss, itemsPerSecond }) =>
          output.progress?.(
            phase,
            step,
            steps,
            `${loss ? `loss ${loss.toPrecision(4)}, ` : ''}${itemsPerSecond.toFixed(1)} photos/s`,
          ),
        signal: interrupted.signal,
      },
    )
  } finally {
    process.off('SIGINT', stop)
    process.off('SIGTERM', stop)
  }
}

/** What a way of splitting needs to know of the teacher and the photos. */
interface Task {
  readonly options: BottleneckOptions
  readonly teacher: bottleneck.Teacher
  readonly profile: bottleneck.Profile
  readonly trial: bottleneck.Trial
  readonly split: PhotoSplit
  readonly input: ImageInput & { readonly name: string }
  readonly modelSha256: string
}

/** What a way has made, and how; undefined when nothing but the plan was asked for. */
type Made = { pair: bottleneck.SplitPair; recipe: Record<string, string | number> } | undefined

/** What the training depends on: another name, other labels or more rates are the same run. */
function trainingOptions(options: BottleneckOptions) {
  const { pixels, fit, shapes, cut, channels, minutes, steps, views, heldOut, seed } = options
  return { pixels, fit, shapes, cut, channels, ...(steps ? { steps } : { minutes }), views, heldOut, seed }
}

/** A small encoder in place of the teacher's first layers, trained together with a decoder. */
async function smallEncoder(task: Task, output: Output): Promise<Made> {
  const { options, teacher, profile, trial, split, input, modelSha256 } = task
  const plan = bottleneck.planPair(teacher, profile, options)
  checkTables(plan.shape.latent.channels, options.rates)
  const asked = JSON.stringify({
    modelSha256,
    photos: await Promise.all(split.train.map(photoIdentity)),
    ...trainingOptions(options),
  })
  const work = workFolderOf(options, asked)
  const wanted = options.steps
    ? bottleneck.givenSteps(options.steps, split.train.length)
    : { minutes: options.minutes }
  const earlier = await bottleneck.readRun(work, asked)
  const { settings, seconds } = bottleneck.planTime(
    plan,
    profile.wholeMs,
    split.train.length,
    options.views,
    earlier?.settings ?? wanted,
  )
  output.print(`\n${proposalTable(profile, teacher.side, plan.cut.tensor, 'replaced')}`)
  const sizes = { side: teacher.side, points: plan.points, classes: trial.classes }
  const facts = {
    photos: split.train.length,
    views: options.views,
    heldOut: split.heldOut.length,
    seconds,
    work,
    workBytes: bottleneck.targetBytes(sizes, split.train.length * options.views),
  }
  output.print(`\n${describePlan(plan, settings, facts)}\n`)
  if (options.planOnly) return undefined
  if (!earlier) await bottleneck.writeRun(work, { asked, settings })
  else output.print('Going on with the run in this folder.')
  const trained = await train(
    {
      model: options.model,
      modelSha256,
      input,
      output: teacher.network.output,
      classes: trial.classes,
      kind: trial.kind,
      points: plan.points,
      shape: plan.shape,
      photos: split.train,
      viewsPerPhoto: options.views,
      settings,
      seed: options.seed,
      work,
      threads: options.threads,
    },
    output,
  )
  return {
    pair: bottleneck.trainedPair(teacher, plan, trained, options.rates),
    recipe: {
      cutAt: plan.cut.tensor,
      viewsPerPhoto: options.views,
      seed: options.seed,
      ...settings,
      trainingS: Math.round(trained.elapsedS),
    },
  }
}

/** The teacher's own first layers stay on the device, a linear transform behind them: nothing to train. */
async function ownLayers(task: Task, output: Output): Promise<Made> {
  const { options, teacher, profile, split, input } = task
  const plan = bottleneck.planTransform(teacher, profile, options)
  checkTables(plan.directions, options.rates)
  output.print(`\n${proposalTable(profile, teacher.side, plan.cut.tensor, 'sent')}`)
  output.print(`\n${describeTransform(plan, split)}\n`)
  if (options.planOnly) return undefined
  const startMs = performance.now()
  const transform = await bottleneck.fitTransform(
    teacher,
    plan.cut,
    plan.directions,
    split.train,
    input,
    openSession,
    options.threads,
    (done, total) => output.progress?.('how channels vary together', done, total),
  )
  return {
    pair: bottleneck.transformPair(teacher, plan, transform, options.rates),
    recipe: {
      cutAt: plan.cut.tensor,
      directions: plan.directions,
      varianceKept: Number(transform.kept.toFixed(4)),
      transformS: Math.round((performance.now() - startMs) / 1000),
    },
  }
}

export const bottleneckCommand: Command = {
  name: 'bottleneck',
  summary: 'split a classifier so that few bytes cross, without labels, and make a bundle of it',
  help: bottleneckHelp,
  async run(args, output) {
    const options = readBottleneckOptions(args)
    // Found out before the long work, not after it.
    await standsInTheWay(options.out)
    const teacher = bottleneck.readTeacher(await readModelFile(options.model), options.shapes)
    const photos = await readablePhotos(options, teacher, output)
    const split = bottleneck.splitPhotos(photos, options.heldOut ?? bottleneck.usualHeldOut(photos.length))
    const trial = await tryTeacher(options, teacher, split.train, output)
    const labels = await readLabels(options, trial.classes)
    const profile = await bottleneck.profileTeacher(teacher, openSession, options.threads, (done, total) =>
      output.progress?.('timing the teacher', done, total),
    )
    const modelSha256 = createHash('sha256')
      .update(await readFile(options.model))
      .digest('hex')
    const input = { ...teacher.network.input, ...trial.pixels, fit: options.fit }
    const task = { options, teacher, profile, trial, split, input, modelSha256 }
    const made = await (options.encoder === 'own' ? ownLayers : smallEncoder)(task, output)
    if (!made) return 0

    const { out, name, threads } = options
    const finished = await bottleneck.finishBottleneck(
      {
        teacher,
        pair: made.pair,
        input,
        output: {
          name: teacher.network.output,
          dims: [...trial.outputDims],
          kind: trial.kind === 'probabilities' ? 'probabilities' : 'logits',
        },
        labels,
        split,
        name,
        version: '1.0.0',
        out,
        threads,
        recipe: {
          made: `isthmus-models bottleneck --encoder ${options.encoder}`,
          teacher: basename(options.model),
          teacherSha256: modelSha256,
          photos: split.train.length,
          'heldOut.count': split.heldOut.length,
          'heldOut.rule':
            'of the photos that can be read, by sorted path: number ⌊(i + ½) · photos / count⌋ for each i from 0',
          ...made.recipe,
        },
      },
      openSession,
      (what, done, total) => output.progress?.(what, done, total),
    )
    output.print(
      `${out}: bundle ${finished.bundleId}\n\n${resultTable(finished)}\n\nReport: ${finished.reportFile}`,
    )
    if (bottleneck.isBeatenEverywhere(finished.evaluation.ways)) {
      const more =
        options.encoder === 'own'
          ? 'A later cut (--cut), or more photos.'
          : 'It has learned too little: --minutes more, or more photos.'
      output.warn(
        `\nNote: at every rate an image codec sends no more and agrees at least as often, so this bottleneck does not pay yet. ${more}`,
      )
    }
    output.print(`\n${nextSteps(out, finished.evaluation.teacherMs)}`)
    return 0
  },
}

/** Name, length and time of change: cameras give new photos old names. */
async function photoIdentity(path: string): Promise<string> {
  const { size, mtimeMs } = await stat(path)
  return `${basename(path)} ${size} ${Math.floor(mtimeMs)}`
}
