import { join } from 'node:path'
import { type ExitPoint, loadBundle } from '../bundle/index.ts'
import { loadCifar10 } from '../data/index.ts'
import { modelError } from '../errors.ts'
import { expectedCalibrationError, fitTemperature, sureness, thresholdForAccuracy } from '../gates/index.ts'
import { storeHalfWeights } from '../nets/index.ts'
import { openSession, type Session } from '../runtime/index.ts'
import { argmax, type ThreadTask } from '../train/index.ts'
import { percent, recorded } from './cifar10-bundle.ts'
import {
  exitModel,
  exitSettings,
  joined,
  type LabelledLatents,
  latentsOf,
  trainExit,
} from './exit-training.ts'
import { extendBundle } from './extend-bundle.ts'
import { holdOut } from './held-out.ts'
import { modelFile, open } from './measure.ts'
import { type RecipeInput, recipeContext } from './recipe.ts'

const GATE = 'confidence'

/** Ascending. */
const TARGETS = [0.95, 0.97, 0.98, 0.99]
/** What a device uses unless it wants another. */
const USUAL_TARGET = 0.98
/** One-sided 95 % for all four targets together (Bonferroni): they are chosen on the same images. */
const Z = 2.24

/** What an exit answers to latents, and where it is right (1 or 0). */
interface Answers {
  readonly logits: Float32Array
  readonly labels: Uint8Array
  readonly right: Uint8Array
}

async function answersOf(exit: Session, latents: LabelledLatents, classes: number): Promise<Answers> {
  const { values, dims, labels } = latents
  const results = await exit.run({
    [exit.inputs[0]!.name]: { dtype: 'float32', dims: [labels.length, ...dims], data: values },
  })
  const logits = results[exit.outputs[0]!.name]!.data as Float32Array
  const right = labels.map((label, row) => (argmax(logits, row * classes, classes) === label ? 1 : 0))
  return { logits, labels, right }
}

const mean = (values: Uint8Array): number => values.reduce((sum, one) => sum + one, 0) / values.length

/** One head's frames, answered by the exit. */
interface Judged {
  readonly heldOut: Answers
  readonly test: Answers
}

/**
 * The thresholds that held-out images ask for, and what they do on the test set. With several heads: the strictest that one of
 * them asks for, and the accuracy and share of the worst.
 */
function pointsOf(judged: readonly Judged[], classes: number, temperature: number): ExitPoint[] {
  const sure = ({ logits }: Answers) => sureness(logits, classes, temperature, GATE)
  return TARGETS.flatMap((target) => {
    const chosen = judged.map(({ heldOut }) => thresholdForAccuracy(sure(heldOut), heldOut.right, target, Z))
    if (chosen.includes(undefined)) return []
    const threshold = Math.max(...chosen.map((point) => point!.threshold))
    const left = judged.map(({ test }) => {
      const confidences = sure(test)
      return test.right.filter((_, i) => confidences[i]! >= threshold)
    })
    if (left.some(({ length }) => length === 0)) return []
    const share = Math.min(...left.map(({ length }) => length)) / judged[0]!.test.right.length
    return [{ target, threshold, accuracy: Math.min(...left.map(mean)), share }]
  })
}

/** Mean over the heads of the calibration error on the test set. */
const calibrationError = (judged: readonly Judged[], classes: number, temperature: number): number =>
  judged.reduce(
    (sum, { test }) =>
      sum + expectedCalibrationError(sureness(test.logits, classes, temperature), test.right),
    0,
  ) / judged.length

/** An early exit on the latent of bundle `cifar10`'s heads: written into it. */
const exitRecipe: ThreadTask<RecipeInput, string> = async (input, thread) => {
  const data = await loadCifar10()
  const dir = join(input.bundlesFolder, 'cifar10')
  const bundle = await loadBundle(dir)
  const { latent, labels, output, models } = bundle.manifest
  const heads = (['head', 'narrowHead'] as const).filter((role) => models[role])
  if (!latent || heads.length === 0) {
    throw modelError('BAD_OPTION', `${bundle.id} has no head to leave from.`)
  }
  const classes = labels.length
  const { fit, heldOut } = holdOut(data.train)
  const latents = []
  for (const role of heads) {
    const head = await openSession(bundle.modelBytes(role), { intraOpThreads: input.threads })
    latents.push({
      fit: await latentsOf(head, fit, latent, true),
      heldOut: await latentsOf(head, heldOut, latent, false),
      test: await latentsOf(head, data.test, latent, false),
    })
    await head.dispose()
  }
  const learned = joined(latents.map((one) => one.fit))
  // Another head is another training.
  const identity = { heads: heads.map((role) => models[role]!.sha256) }
  const context = recipeContext(input, thread)
  const { weights, elapsedS } = await trainExit(learned, fit.count, classes, context, identity)
  const model = storeHalfWeights(exitModel(weights, latent, output.name, classes))
  const exit = await open(model, input.threads)
  const judged: Judged[] = []
  for (const one of latents) {
    judged.push({
      heldOut: await answersOf(exit, one.heldOut, classes),
      test: await answersOf(exit, one.test, classes),
    })
  }
  await exit.dispose()
  const accuracy = Math.min(...judged.map(({ test }) => mean(test.right)))
  const temperature = fitTemperature(
    judged.flatMap(({ heldOut: { logits } }) => Array.from(logits)),
    judged.flatMap(({ heldOut: { labels: wanted } }) => Array.from(wanted)),
    classes,
  )
  const points = pointsOf(judged, classes, temperature)
  const usual = points.find(({ target }) => target >= USUAL_TARGET) ?? points.at(-1)
  if (!usual) throw modelError('TOO_FEW_EXAMPLES', `The exit never reaches ${percent(TARGETS[0]!)}.`)
  const eceBefore = calibrationError(judged, classes, 1)
  const eceAfter = calibrationError(judged, classes, temperature)
  const draft = modelFile('exit.onnx', model, latent.dims, accuracy)
  await extendBundle(dir, bundle, {
    role: 'exit',
    model,
    draft,
    manifest: { exit: { heads, gate: GATE, temperature, eceBefore, eceAfter, target: usual.target, points } },
    recipe: { ...recorded(exitSettings), 'exit.wallTimeS': Math.round(elapsedS) },
  })
  return [
    `exit: top-1 ${percent(draft.accuracy!)}, ${(draft.macs / 1e6).toFixed(2)} M multiply-adds, temperature ${temperature.toFixed(3)}, calibration error ${percent(eceBefore)} before, ${percent(eceAfter)} after`,
    ...points.map(
      ({ target, accuracy: right, share }) =>
        `target ${percent(target)}: ${percent(share!)} of frames leave, ${percent(right!)} of them right`,
    ),
  ].join('\n')
}

export default exitRecipe
