import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type Bundle, loadBundle, type ManifestDraft, writeBundle } from '../bundle/index.ts'
import { GraphBuilder, type Model, readModel } from '../onnx/index.ts'
import { type Addition, extendBundle, giveTasks, replaceLocal } from './extend-bundle.ts'

let dir: string
let bundle: Bundle
beforeEach(async () => {
  dir = join(await mkdtemp(join(tmpdir(), 'isthmus-extend-')), 'street')
  bundle = await writeBundle(dir, draft, { 'local.onnx': Uint8Array.of(1, 2, 3) })
})
afterEach(() => rm(join(dir, '..'), { recursive: true }))

const draft: ManifestDraft = {
  name: 'street',
  version: '1.0.0',
  task: 'classification',
  labels: ['cat', 'dog'],
  input: { name: 'x', dims: [1, 2, 2], layout: 'NCHW', mean: [0], std: [1], fit: 'fill' },
  output: { name: 'y', dims: [2], kind: 'logits' },
  models: { local: { file: 'local.onnx', macs: 1, params: 1 } },
  modes: [{ id: 1, name: 'local', route: 'local', payloadBytes: 0, headMacs: 1, tailMacs: 0 }],
  recipe: { 'local.seed': 1 },
}

function model(name: string): Model {
  const graph = new GraphBuilder(name)
  graph.output(graph.op('Sigmoid', [graph.input('x', 'float32', [1, 1])]), 'interest')
  return graph.build()
}

const filter = (seed: number, file = 'filter.onnx'): Addition => ({
  role: 'filter',
  model: model(`filter ${seed}`),
  draft: { file, macs: 1, params: 0 },
  manifest: {
    filter: { reads: 'input', interest: ['cat'], recall: 0.9, points: [{ recall: 0.9, threshold: 0.5 }] },
  },
  recipe: { 'filter.seed': seed },
})

it('puts a model into a bundle and leaves the rest as it is', async () => {
  await extendBundle(dir, bundle, filter(7))
  const extended = await loadBundle(dir)
  expect(extended.manifest).toMatchObject({
    ...bundle.manifest,
    recipe: { 'local.seed': 1, 'filter.seed': 7 },
  })
  expect(extended.manifest.filter).toEqual(filter(7).manifest.filter)
  expect(extended.modelBytes('local')).toEqual(bundle.modelBytes('local'))
  expect(extended.key).not.toBe(bundle.key)
})

it('takes the place of the model that an earlier run has put there', async () => {
  await extendBundle(dir, bundle, { ...filter(7, 'old.onnx'), recipe: { 'filter.seed': 7, 'filter.old': 1 } })
  await extendBundle(dir, await loadBundle(dir), filter(8))
  const { manifest } = await loadBundle(dir)
  expect(manifest.recipe).toEqual({ 'local.seed': 1, 'filter.seed': 8 })
  expect((await readdir(dir)).sort()).toEqual(['filter.onnx', 'local.onnx', 'manifest.json'])
})

it('gives a bundle another local network, and its modes say what that is', async () => {
  await extendBundle(dir, bundle, filter(7))
  const own = { file: 'local.onnx', macs: 20, params: 5, accuracy: 0.9 }
  await replaceLocal(dir, await loadBundle(dir), model('better'), own, { 'local.seed': 2, 'local.epochs': 3 })
  const { manifest, modelBytes } = await loadBundle(dir)
  expect(manifest.models.local).toMatchObject(own)
  expect(manifest.modes).toEqual([{ ...draft.modes[0], accuracy: 0.9, headMacs: 20 }])
  expect(manifest.filter).toEqual(filter(7).manifest.filter)
  expect(manifest.recipe).toEqual({ 'filter.seed': 7, 'local.seed': 2, 'local.epochs': 3 })
  expect(readModel(modelBytes('local')).graph.name).toBe('better')
})

it("does not write over another model's file", async () => {
  await expect(extendBundle(dir, bundle, filter(7, 'local.onnx'))).rejects.toMatchObject({
    code: 'BAD_OPTION',
  })
  expect((await loadBundle(dir)).key).toBe(bundle.key)
})

it('gives a bundle tasks, in place of those that it has, and a later model leaves them alone', async () => {
  const split = {
    ...draft,
    latent: { name: 'z', dims: [2] },
    models: {
      ...draft.models,
      head: { file: 'head.onnx', macs: 1, params: 1 },
      tail: { file: 'tail.onnx', macs: 1, params: 1 },
    },
  }
  const [local, head, tail] = [1, 2, 3].map((byte) => Uint8Array.of(byte)) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ]
  const files = { 'local.onnx': local, 'head.onnx': head, 'tail.onnx': tail }
  bundle = await writeBundle(dir, split, files)
  const give = async (file: string, seed: number) => {
    const decoders = [{ file, macs: 1, params: 0, id: 1, width: 1, accuracy: 0.5 }]
    const tasks = [{ name: 'coat', labels: ['fur'], decoders }]
    const models = new Map([[file, model(`decoder ${seed}`)]])
    await giveTasks(dir, await loadBundle(dir), tasks, models, { 'tasks.seed': seed })
  }
  await give('old.onnx', 1)
  await give('coat.onnx', 2)
  expect((await readdir(dir)).sort()).toEqual([...Object.keys(files), 'coat.onnx', 'manifest.json'].sort())
  const { decoderBytes, manifest } = await loadBundle(dir)
  expect(manifest.recipe).toEqual({ 'local.seed': 1, 'tasks.seed': 2 })
  await extendBundle(dir, await loadBundle(dir), filter(8))
  const extended = await loadBundle(dir)
  expect(extended.manifest.tasks).toEqual(manifest.tasks)
  expect(extended.decoderBytes(1)).toEqual(decoderBytes(1))
  await expect(give('tail.onnx', 3)).rejects.toMatchObject({ code: 'BAD_OPTION' })
})
