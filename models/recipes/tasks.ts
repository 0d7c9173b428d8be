import { join } from 'node:path'
import { loadBundle } from '../bundle/index.ts'
import { loadCifar10 } from '../data/index.ts'
import { modelError } from '../errors.ts'
import { openSession, type Session } from '../runtime/index.ts'
import { argmax, type ThreadTask } from '../train/index.ts'
import { percent } from './cifar10-bundle.ts'
import { type LabelledLatents, latentsOf } from './exit-training.ts'
import { holdOut } from './held-out.ts'
import { modelFile, open } from './measure.ts'
import { type RecipeInput, recipeContext } from './recipe.ts'
import { type LatentTask, taskModel, trainTasks, widths } from './tasks-training.ts'

const ANIMALS = ['bird', 'cat', 'deer', 'dog', 'frog', 'horse']

/** The classes as they are, and the coarse question whether it is an animal. */
function tasksFor(labels: readonly string[], latent: readonly number[]): LatentTask[] {
  const dims = latent as [number, number, number]
  return [
    {
      sizes: { task: 'class', latent: dims, channels: 32, classes: labels.length },
      of: labels.map((_, label) => label),
    },
    {
      sizes: { task: 'coarse', latent: dims, channels: 12, classes: 2 },
      of: labels.map((label) => (ANIMALS.includes(label) ? 1 : 0)),
    },
  ]
}

async function accuracyOf(decoder: Session, latents: LabelledLatents, { of, sizes }: LatentTask) {
  const { values, dims, labels } = latents
  const count = labels.length
  const { logits } = await decoder.run({
    latent: { dtype: 'float32', dims: [count, ...dims], data: values },
  })
  const scores = logits!.data as Float32Array
  const isRight = (label: number, row: number) =>
    argmax(scores, row * sizes.classes, sizes.classes) === of[label]
  return labels.filter(isRight).length / count
}

/**
 * Two tasks on one frozen encoder: slimmable decoders for the classes and for a coarse question, each at two widths, on the
 * latent of bundle `cifar10`'s head. Reports what each width costs and gives; `chooseDecoderWidths` in @isthmus/policies
 * chooses among such rows by task preference.
 */
const tasksRecipe: ThreadTask<RecipeInput, string> = async (input, thread) => {
  const data = await loadCifar10()
  const bundle = await loadBundle(join(input.bundlesFolder, 'cifar10'), { only: ['head'] })
  const { latent, labels, models } = bundle.manifest
  if (!latent || !models.head) throw modelError('BAD_OPTION', `${bundle.id} has no head to share.`)
  const { fit } = holdOut(data.train)
  const head = await openSession(bundle.modelBytes('head'), { intraOpThreads: input.threads })
  const learned = await latentsOf(head, fit, latent, true)
  const test = await latentsOf(head, data.test, latent, false)
  await head.dispose()
  const tasks = tasksFor(labels, latent.dims)
  const identity = { head: models.head.sha256 }
  const { weights } = await trainTasks(learned, fit.count, tasks, recipeContext(input, thread), identity)
  const lines: string[] = []
  for (const task of tasks) {
    for (const width of widths) {
      const model = taskModel(weights, task, width)
      const decoder = await open(model, input.threads)
      const accuracy = await accuracyOf(decoder, test, task)
      await decoder.dispose()
      const { macs } = modelFile('', model, latent.dims)
      lines.push(
        `${task.sizes.task.padEnd(7)} width ${width.toFixed(2)}: ${percent(accuracy)}, ${(macs / 1e6).toFixed(3)} M multiply-adds`,
      )
    }
  }
  return lines.join('\n')
}

export default tasksRecipe
