import { join } from 'node:path'
import { loadBundle, type Mode, type TaskDraft } from '../bundle/index.ts'
import { loadCifar10 } from '../data/index.ts'
import { modelError } from '../errors.ts'
import { storeHalfWeights } from '../nets/index.ts'
import type { Model } from '../onnx/index.ts'
import { openSession } from '../runtime/index.ts'
import type { ThreadTask } from '../train/index.ts'
import { percent, recorded } from './cifar10-bundle.ts'
import { cifar10Tasks, decoderTop1 } from './cifar10-tasks.ts'
import { joined, type LabelledLatents, latentsOf } from './exit-training.ts'
import { giveTasks } from './extend-bundle.ts'
import { holdOut } from './held-out.ts'
import { modelFile, open } from './measure.ts'
import { receivedLatents, type SplitMode } from './received-latents.ts'
import { type RecipeInput, recipeContext } from './recipe.ts'
import { taskModel, tasksSettings, trainTasks, widths } from './tasks-training.ts'

const isSplit = (mode: Mode): mode is SplitMode => mode.route === 'split'

/**
 * Two tasks on one frozen encoder: slimmable decoders for the classes and for a coarse question, each at two widths, on the latents of bundle
 * `cifar10`'s heads as the server gets them. Written into it; a device chooses among the widths by task preference.
 */
const tasksRecipe: ThreadTask<RecipeInput, string> = async (input, thread) => {
  const data = await loadCifar10()
  const dir = join(input.bundlesFolder, 'cifar10')
  const bundle = await loadBundle(dir)
  const { latent, labels, models, modes } = bundle.manifest
  const split = modes.filter(isSplit)
  const [first] = split
  if (!latent || !first)
    throw modelError('BAD_OPTION', `${bundle.id} has no split mode whose latent could be shared.`)
  const { fit } = holdOut(data.train)
  const learned = []
  let test: LabelledLatents | undefined
  for (const role of ['head', 'narrowHead'] as const) {
    const own = split.filter((mode) => (mode.head ?? 'head') === role)
    if (own.length === 0) continue
    const head = await openSession(bundle.modelBytes(role), { intraOpThreads: input.threads })
    learned.push(receivedLatents(await latentsOf(head, fit, latent, true), own))
    if (own.includes(first)) test = receivedLatents(await latentsOf(head, data.test, latent, false), [first])
    await head.dispose()
  }
  const tasks = cifar10Tasks(labels, latent.dims)
  const identity = { heads: [models.head?.sha256, models.narrowHead?.sha256] }
  const context = recipeContext(input, thread)
  const { weights, elapsedS } = await trainTasks(
    joined(learned),
    learned.length * fit.count,
    tasks,
    context,
    identity,
  )
  const lines: string[] = []
  const drafts: TaskDraft[] = []
  const files = new Map<string, Model>()
  let id = 0
  for (const task of tasks) {
    const name = task.sizes.task
    const decoders = []
    for (const width of widths) {
      const model = storeHalfWeights(taskModel(weights, task, width))
      const decoder = await open(model, input.threads)
      const accuracy = await decoderTop1(decoder, test!, task)
      await decoder.dispose()
      const file = `tasks/${name}-${Math.round(100 * width)}.onnx`
      files.set(file, model)
      const costs = modelFile(file, model, latent.dims)
      decoders.push({ ...costs, id: ++id, width, accuracy })
      lines.push(
        `${name.padEnd(7)} width ${width.toFixed(2)}: ${percent(accuracy)} at ${first.name}, ${(costs.macs / 1e6).toFixed(3)} M multiply-adds`,
      )
    }
    drafts.push({ name, labels: [...task.labels], decoders })
  }
  const recipe = { ...recorded(tasksSettings), 'tasks.wallTimeS': Math.round(elapsedS) }
  await giveTasks(dir, bundle, drafts, files, recipe)
  return lines.join('\n')
}

export default tasksRecipe
