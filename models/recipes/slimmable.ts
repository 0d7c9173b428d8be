import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Bundle, loadBundle, type Mode, withoutDominated, writeBundle } from '../bundle/index.ts'
import { type EntropyQuantizer, quantize } from '../codec/index.ts'
import { type Cifar10, loadCifar10 } from '../data/index.ts'
import { weightsOf } from '../nets/index.ts'
import { type ConstantTensor, elementCount, readModel, writeModel } from '../onnx/index.ts'
import { openSession, type Session } from '../runtime/index.ts'
import type { ThreadTask } from '../train/index.ts'
import { cifar10Manifest, inputDims, modeTable, recorded } from './cifar10-bundle.ts'
import { modelFile, open, splitTop1 } from './measure.ts'
import { type RecipeInput, recipeContext } from './recipe.ts'
import { latentsOf, rateQuantizer, slimmableHead, slimmableTail } from './slimmable-models.ts'
import { encoderWidths, fineTuneSlimmable, imitateHead, slimmableSettings } from './slimmable-training.ts'
import { keptSoftLabels, softLabels } from './soft-labels.ts'
import { latentDims } from './student-training.ts'

/** Places between the rate tiers that become modes: the first tier, half way to the second, and so on. */
const PLACES = [0, 0.5, 1, 1.5, 2, 2.5, 3]

/** No frame takes more than this multiple of the average one: noise is cut, photographs are not. */
const MOST_OF_MEAN = 2

const heads = { wide: 'head', narrow: 'narrowHead' } as const
type HeadName = keyof typeof heads

/** Slimmable successor of the student: a small encoder of two widths at any rate, as bundle `cifar10-slimmable`. */
const slimmableRecipe: ThreadTask<RecipeInput, string> = async (input, thread) => {
  const data = await loadCifar10()
  const student = await loadBundle(join(input.bundlesFolder, 'cifar10-student'))
  const teacher = await loadBundle(join(input.bundlesFolder, 'cifar10-teacher'))
  const { head, tail: studentTail } = student.manifest.models
  const from = [head, studentTail, teacher.manifest.models.full].map((model) => model!.sha256)
  const context = recipeContext(input, thread, from)
  const imitated = await imitateHead(data, readModel(student.modelBytes('head')), context)
  const targets = await teachersAnswers(input, teacher, data)
  const start = new Map([...weightsOf(readModel(student.modelBytes('tail'))), ...imitated.weights])
  const tuned = await fineTuneSlimmable(data, targets, start, context)

  const graphs = {
    wide: slimmableHead(tuned.weights, encoderWidths[0]),
    narrow: slimmableHead(tuned.weights, encoderWidths[1]),
    tail: slimmableTail(tuned.weights),
  }
  const models = {
    head: modelFile('head.onnx', graphs.wide, inputDims),
    narrowHead: modelFile('head-narrow.onnx', graphs.narrow, inputDims),
    tail: modelFile('tail.onnx', graphs.tail, latentDims),
  }
  const tail = await open(graphs.tail, input.threads)
  const modes: Mode[] = []
  for (const name of ['wide', 'narrow'] as const) {
    const head = await open(graphs[name], input.threads)
    const prices = { headMacs: models[heads[name]].macs, tailMacs: models.tail.macs }
    for (const measured of await rates(name, head, tail, tuned.weights, data))
      modes.push({ ...measured, ...prices })
    await head.dispose()
  }
  await tail.dispose()
  const worthwhile = withoutDominated(modes).map((mode, index) => ({ ...mode, id: index + 1 }))
  await writeBundle(
    join(input.bundlesFolder, 'cifar10-slimmable'),
    {
      ...cifar10Manifest,
      name: 'cifar10-slimmable',
      latent: { name: 'latent', dims: [...latentDims] },
      models,
      modes: worthwhile,
      recipe: {
        ...recorded(slimmableSettings),
        'slimmable.wallTimeS': Math.round(imitated.elapsedS + tuned.elapsedS),
        dataSha256: data.sha256,
      },
    },
    {
      'head.onnx': writeModel(graphs.wide),
      'head-narrow.onnx': writeModel(graphs.narrow),
      'tail.onnx': writeModel(graphs.tail),
    },
  )
  return modeTable(worthwhile)
}

/** Kept beside the checkpoints. */
async function teachersAnswers(input: RecipeInput, bundle: Bundle, data: Cifar10): Promise<Float32Array> {
  const { labelShare } = slimmableSettings
  const identity = `${bundle.manifest.models.full!.sha256} ${data.sha256} ${labelShare}`
  await mkdir(input.workFolder, { recursive: true })
  return keptSoftLabels(join(input.workFolder, 'soft-labels'), identity, async () => {
    const teacher = await openSession(bundle.modelBytes('full'), { intraOpThreads: input.threads })
    const labels = await softLabels(teacher, data.train, { labelShare })
    await teacher.dispose()
    return labels
  })
}

type Measured = Omit<Extract<Mode, { route: 'split' }>, 'headMacs' | 'tailMacs'>

/** Of the first thousand frames. */
function meanBytes(latents: Float32Array, quantizer: EntropyQuantizer): number {
  const size = elementCount(latentDims)
  let bytes = 0
  for (let frame = 0; frame < 1000; frame++) {
    bytes += quantize(latents.subarray(frame * size, (frame + 1) * size), quantizer).packed.length
  }
  return bytes / 1000
}

/** Every place between the tiers, measured on the test set as it goes over the wire. */
async function rates(
  name: HeadName,
  head: Session,
  tail: Session,
  weights: ReadonlyMap<string, ConstantTensor>,
  data: Cifar10,
): Promise<Measured[]> {
  const latents = await latentsOf(head, data)
  const modes: Measured[] = []
  for (const place of PLACES) {
    const unlimited = rateQuantizer(weights, place, latents)
    const quantizer = { ...unlimited, mostBytes: Math.ceil(MOST_OF_MEAN * meanBytes(latents, unlimited)) }
    const { accuracy, payloadBytes } = await splitTop1(head, tail, quantizer, data.test, latentDims)
    modes.push({
      id: 0,
      name: `split-${name}-${payloadBytes}`,
      route: 'split',
      head: heads[name],
      quantizer,
      payloadBytes,
      accuracy,
    })
  }
  return modes
}

export default slimmableRecipe
