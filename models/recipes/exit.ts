import { join } from 'node:path'
import { type ExitPoint, loadBundle } from '../bundle/index.ts'
import { loadCifar10 } from '../data/index.ts'
import { modelError } from '../errors.ts'
import { expectedCalibrationError, fitTemperature, sureness, thresholdForAccuracy } from '../gates/index.ts'
import { storeHalfWeights } from '../nets/index.ts'
import { openSession, type Session } from '../runtime/index.ts'
import { argmax, type ThreadTask } from '../train/index.ts'
import { percent, recorded } from './cifar10-bundle.ts'
import { exitModel, exitSettings, type LabelledLatents, latentsOf, trainExit } from './exit-training.ts'
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

/** The thresholds that held-out images ask for, and what they do on the test set. */
function pointsOf(heldOut: Answers, test: Answers, classes: number, temperature: number): ExitPoint[] {
  const chosenOn = sureness(heldOut.logits, classes, temperature, GATE)
  const measuredOn = sureness(test.logits, classes, temperature, GATE)
  return TARGETS.flatMap((target) => {
    const chosen = thresholdForAccuracy(chosenOn, heldOut.right, target, Z)
    if (!chosen) return []
    const { threshold } = chosen
    const left = test.right.filter((_, i) => measuredOn[i]! >= threshold)
    const accuracy = left.length === 0 ? {} : { accuracy: mean(left) }
    return [{ target, threshold, ...accuracy, share: left.length / test.right.length }]
  })
}

/** An early exit on the latent of bundle `cifar10`'s head: written into it. */
const exitRecipe: ThreadTask<RecipeInput, string> = async (input, thread) => {
  const data = await loadCifar10()
  const dir = join(input.bundlesFolder, 'cifar10')
  const bundle = await loadBundle(dir)
  const { latent, labels, output, models } = bundle.manifest
  if (!latent || !models.head) throw modelError('BAD_OPTION', `${bundle.id} has no head to leave from.`)
  const classes = labels.length
  const { fit, heldOut } = holdOut(data.train)
  const head = await openSession(bundle.modelBytes('head'), { intraOpThreads: input.threads })
  const fitLatents = await latentsOf(head, fit, latent, true)
  const heldOutLatents = await latentsOf(head, heldOut, latent, false)
  const testLatents = await latentsOf(head, data.test, latent, false)
  await head.dispose()
  // Another head is another training.
  const context = recipeContext(input, thread)
  const { weights, elapsedS } = await trainExit(fitLatents, classes, context, { head: models.head.sha256 })
  const model = storeHalfWeights(exitModel(weights, latent, output.name, classes))
  const exit = await open(model, input.threads)
  const chosenOn = await answersOf(exit, heldOutLatents, classes)
  const test = await answersOf(exit, testLatents, classes)
  await exit.dispose()
  const temperature = fitTemperature(chosenOn.logits, chosenOn.labels, classes)
  const points = pointsOf(chosenOn, test, classes, temperature)
  const usual = points.find(({ target }) => target >= USUAL_TARGET) ?? points.at(-1)
  if (!usual) throw modelError('TOO_FEW_EXAMPLES', `The exit never reaches ${percent(TARGETS[0]!)}.`)
  const ece = (divisor: number) =>
    expectedCalibrationError(sureness(test.logits, classes, divisor), test.right)
  const [eceBefore, eceAfter] = [ece(1), ece(temperature)]
  const draft = modelFile('exit.onnx', model, latent.dims, mean(test.right))
  await extendBundle(dir, bundle, {
    role: 'exit',
    model,
    draft,
    manifest: { exit: { gate: GATE, temperature, eceBefore, eceAfter, target: usual.target, points } },
    recipe: { ...recorded(exitSettings), 'exit.wallTimeS': Math.round(elapsedS) },
  })
  return [
    `exit: top-1 ${percent(draft.accuracy!)}, ${(draft.macs / 1e6).toFixed(2)} M multiply-adds, temperature ${temperature.toFixed(3)}, calibration error ${percent(eceBefore)} before, ${percent(eceAfter)} after`,
    ...points.map(
      ({ target, accuracy, share }) =>
        `target ${percent(target)}: ${percent(share!)} of frames leave, ${percent(accuracy ?? Number.NaN)} of them right`,
    ),
  ].join('\n')
}

export default exitRecipe
