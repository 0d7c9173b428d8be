import { join } from 'node:path'
import { loadBundle, type Manifest, type Mode, writeBundle } from '../bundle/index.ts'
import { loadCifar10 } from '../data/index.ts'
import { openSession } from '../runtime/index.ts'
import { type ThreadTask, top1 } from '../train/index.ts'
import { cifar10Manifest, inputDims, modeTable } from './cifar10-bundle.ts'
import { normalisation, throughJpeg } from './measure.ts'
import type { RecipeInput } from './recipe.ts'

const JPEG_QUALITY = 90

type Models = Manifest['models']

/** A model as a draft names it: length and hash are found out anew. */
function drafted({ local, head, narrowHead, tail, full }: Models) {
  const entries = Object.entries({ local, head, narrowHead, tail, full }).flatMap(([role, model]) => {
    if (!model) return []
    const { file, macs, params, accuracy } = model
    return [[role, { file, macs, params, ...(accuracy === undefined ? {} : { accuracy }) }] as const]
  })
  return Object.fromEntries(entries)
}

/** Teacher, local network and slimmable encoder in one bundle, `cifar10`: everything that a device and its server need. */
const cifar10Recipe: ThreadTask<RecipeInput, string> = async (input) => {
  const data = await loadCifar10()
  const part = (name: string) => loadBundle(join(input.bundlesFolder, `cifar10-${name}`))
  const [teacher, local, slimmable] = [await part('teacher'), await part('local'), await part('slimmable')]
  const full = teacher.manifest.models.full!
  const session = await openSession(teacher.modelBytes('full'), { intraOpThreads: input.threads })
  const jpeg = await throughJpeg(data.test, JPEG_QUALITY)
  const jpegAccuracy = await top1(session, jpeg.images, normalisation)
  await session.dispose()
  const edge = { route: 'edge', headMacs: 0, tailMacs: full.macs } as const
  const modes: Mode[] = [
    ...local.manifest.modes,
    ...slimmable.manifest.modes,
    {
      id: 0,
      name: 'edge-raw',
      ...edge,
      image: { codec: 'raw' },
      accuracy: full.accuracy,
      payloadBytes: inputDims.reduce((product, dim) => product * dim, 1),
    },
    {
      id: 0,
      name: `edge-jpeg-${JPEG_QUALITY}`,
      ...edge,
      image: { codec: 'jpeg', quality: JPEG_QUALITY },
      accuracy: jpegAccuracy,
      payloadBytes: jpeg.meanBytes,
    },
  ]
  const numbered = modes.map((mode, index) => ({ ...mode, id: index + 1 }))
  await writeBundle(
    join(input.bundlesFolder, 'cifar10'),
    {
      ...cifar10Manifest,
      name: 'cifar10',
      latent: slimmable.manifest.latent!,
      models: drafted({ ...teacher.manifest.models, ...local.manifest.models, ...slimmable.manifest.models }),
      modes: numbered,
      recipe: { ...teacher.manifest.recipe, ...local.manifest.recipe, ...slimmable.manifest.recipe },
    },
    {
      'local.onnx': local.modelBytes('local'),
      'head.onnx': slimmable.modelBytes('head'),
      'head-narrow.onnx': slimmable.modelBytes('narrowHead'),
      'tail.onnx': slimmable.modelBytes('tail'),
      'full.onnx': teacher.modelBytes('full'),
    },
  )
  return modeTable(numbered)
}

export default cifar10Recipe
