import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import * as bottleneck from '../bottleneck/index.ts'
import { standsInTheWay } from '../bundle/write.ts'
import { listPhotos } from '../data/photo-folder.ts'
import { readModelFile } from '../onnx/model-files.ts'
import { writeModel } from '../onnx/write.ts'
import { checkLabelCount, packError, parseLabels, surveyPhotos } from '../pack/index.ts'
import { openSession } from '../runtime/node.ts'
import { runInThread } from '../train/thread.ts'
import {
  type BottleneckOptions,
  bottleneckHelp,
  readBottleneckOptions,
  workFolderOf,
} from './bottleneck-options.ts'
import { describePlan, proposalTable, resultTable } from './bottleneck-tables.ts'
import type { Command, Output } from './command.ts'
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

/** What the training depends on: another name, other labels or more rates are the same run. */
function trainingOptions(options: BottleneckOptions) {
  const { pixels, fit, shapes, cut, channels, minutes, steps, views, heldOut, seed } = options
  return { pixels, fit, shapes, cut, channels, ...(steps ? { steps } : { minutes }), views, heldOut, seed }
}

export const bottleneckCommand: Command = {
  name: 'bottleneck',
  summary: 'train a bottleneck into a classifier, without labels, and make a bundle of it',
  help: bottleneckHelp,
  async run(args, output) {
    const options = readBottleneckOptions(args)
    // Found out before the long work, not after it.
    await standsInTheWay(options.out)
    const teacher = bottleneck.readTeacher(await readModelFile(options.model), options.shapes)
    const photos = await readablePhotos(options, teacher, output)
    const split = bottleneck.splitPhotos(photos, options.heldOut ?? bottleneck.usualHeldOut(photos.length))
    const { kind, classes, outputDims, pixels } = await tryTeacher(options, teacher, split.train, output)
    const labels = await readLabels(options, classes)
    const profile = await bottleneck.profileTeacher(teacher, openSession, options.threads, (done, total) =>
      output.progress?.('timing the teacher', done, total),
    )
    const plan = bottleneck.planPair(teacher, profile, options)

    const modelSha256 = createHash('sha256')
      .update(await readFile(options.model))
      .digest('hex')
    const { out, name, threads } = options
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
    output.print(`\n${proposalTable(profile, teacher.side, plan.cut.tensor)}`)
    const sizes = { side: teacher.side, points: plan.points, classes }
    const facts = {
      photos: split.train.length,
      views: options.views,
      heldOut: split.heldOut.length,
      seconds,
      work,
      workBytes: bottleneck.targetBytes(sizes, split.train.length * options.views),
    }
    output.print(`\n${describePlan(plan, settings, facts)}\n`)
    if (options.planOnly) return 0
    if (!earlier) await bottleneck.writeRun(work, { asked, settings })
    else output.print('Going on with the run in this folder.')

    const input = { ...teacher.network.input, ...pixels, fit: options.fit }
    const trained = await train(
      {
        model: options.model,
        modelSha256,
        input,
        output: teacher.network.output,
        classes,
        kind,
        points: plan.points,
        shape: plan.shape,
        photos: split.train,
        viewsPerPhoto: options.views,
        settings,
        seed: options.seed,
        work,
        threads,
      },
      output,
    )
    const finished = await bottleneck.finishBottleneck(
      {
        teacher,
        plan,
        trained,
        input,
        output: {
          name: teacher.network.output,
          dims: [...outputDims],
          kind: kind === 'probabilities' ? 'probabilities' : 'logits',
        },
        labels,
        split,
        rates: options.rates,
        name,
        version: '1.0.0',
        out,
        threads,
        recipe: {
          made: 'isthmus-models bottleneck',
          teacher: basename(options.model),
          teacherSha256: modelSha256,
          cutAt: plan.cut.tensor,
          photos: split.train.length,
          viewsPerPhoto: options.views,
          'heldOut.count': split.heldOut.length,
          'heldOut.rule':
            'of the photos that can be read, by sorted path: number ⌊(i + ½) · photos / count⌋ for each i from 0',
          seed: options.seed,
          ...settings,
          trainingS: Math.round(trained.elapsedS),
        },
      },
      openSession,
      (what, done, total) => output.progress?.(what, done, total),
    )
    output.print(
      `${out}: bundle ${finished.bundleId}\n\n${resultTable(finished)}\n\nReport: ${finished.reportFile}`,
    )
    if (bottleneck.isBeatenEverywhere(finished.evaluation.ways)) {
      output.warn(
        '\nNote: at every rate an image codec sends no more and agrees at least as often, so this bottleneck does not pay yet. It has learned too little: --minutes more, or more photos.',
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
