import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Bundle, type ManifestDraft, writeBundle } from '@isthmus/models/bundle'
import { float32Tensor, GraphBuilder, writeModel } from '@isthmus/models/onnx'

const weights = (count: number, seed: number) =>
  Array.from({ length: count }, (_, i) => Math.sin(seed * 97 + i * 1.7))

/** x [1,48] (as an image) → z [1,8] → y [1,4]; each part on its own, and whole. */
function model(input: 'x' | 'z', output: 'y' | 'z', seed: number): Uint8Array {
  const graph = new GraphBuilder('tiny')
  let value = graph.input(input, 'float32', input === 'x' ? [1, 3, 4, 4] : [1, 8])
  if (input === 'x') {
    const flat = graph.op('Flatten', [value])
    const head = graph.constant(float32Tensor(weights(48 * 8, seed), [48, 8]))
    value = graph.op('Tanh', [graph.op('MatMul', [flat, head])])
  }
  if (output === 'y') {
    const tail = graph.constant(float32Tensor(weights(8 * 4, seed + 1), [8, 4]))
    value = graph.op('MatMul', [value, tail])
  }
  graph.output(graph.op('Identity', [value]), output)
  return writeModel(graph.build())
}

/** x [1,48] → interest [1,1]: bright images are of interest. */
function brightness(): Uint8Array {
  const graph = new GraphBuilder('filter')
  const flat = graph.op('Flatten', [graph.input('x', 'float32', [1, 3, 4, 4])])
  const mean = graph.constant(float32Tensor(new Array(48).fill(1 / 8), [48, 1]))
  graph.output(graph.op('Sigmoid', [graph.op('MatMul', [flat, mean])]), 'interest')
  return writeModel(graph.build())
}

/** z [1,8] → y [1,4]: as the tail, but much surer. */
function sureExit(): Uint8Array {
  const graph = new GraphBuilder('exit')
  const tail = weights(8 * 4, 2).map((weight) => 40 * weight)
  const product = graph.op('MatMul', [
    graph.input('z', 'float32', [1, 8]),
    graph.constant(float32Tensor(tail, [8, 4])),
  ])
  graph.output(product, 'y')
  return writeModel(graph.build())
}

const draft: ManifestDraft = {
  name: 'tiny',
  version: '1.0.0',
  task: 'classification',
  labels: ['cat', 'dog', 'ship', 'frog'],
  input: {
    name: 'x',
    dims: [3, 4, 4],
    layout: 'NCHW',
    mean: [0.5, 0.5, 0.5],
    std: [0.5, 0.5, 0.5],
    fit: 'fill',
  },
  output: { name: 'y', dims: [4], kind: 'logits' },
  latent: { name: 'z', dims: [8] },
  models: {
    local: { file: 'local.onnx', macs: 416, params: 416 },
    head: { file: 'head.onnx', macs: 384, params: 384 },
    tail: { file: 'tail.onnx', macs: 32, params: 32 },
    full: { file: 'full.onnx', macs: 416, params: 416 },
  },
  modes: [
    { id: 1, name: 'local', route: 'local', accuracy: 0.8, payloadBytes: 0, headMacs: 416, tailMacs: 0 },
    {
      id: 2,
      name: 'split-8',
      route: 'split',
      accuracy: 0.9,
      payloadBytes: 8,
      headMacs: 384,
      tailMacs: 32,
      quantizer: { kind: 'affine-static', bits: 8, scale: 2 / 255, zeroPoint: 128 },
    },
    {
      id: 3,
      name: 'edge-raw',
      route: 'edge',
      accuracy: 0.91,
      payloadBytes: 48,
      headMacs: 0,
      tailMacs: 416,
      image: { codec: 'raw' },
    },
  ],
}

/** The same with a filter for bright images and an exit that is sure, and no images sent; without a local network if so wished. */
export async function writeGatedBundle(local: boolean): Promise<{ dir: string; bundle: Bundle }> {
  const { dir, bundle } = await writeTinyBundle(local ? 'nothing' : 'local')
  const { format: _, models, ...rest } = bundle.manifest
  const own = Object.fromEntries(
    Object.entries(models).map(([role, { file, macs, params, accuracy = 0.8 }]) => [
      role,
      { file, macs, params, accuracy },
    ]),
  )
  const gates: Pick<ManifestDraft, 'filter' | 'exit'> = {
    filter: {
      reads: 'input',
      interest: ['cat'],
      recall: 0.9,
      points: [
        { recall: 0.9, threshold: 0.5 },
        { recall: 0.99, threshold: 0.001 },
      ],
    },
    exit: {
      gate: 'confidence',
      temperature: 2,
      target: 0.95,
      points: [
        { target: 0.95, threshold: 0.7 },
        { target: 0.99, threshold: 1 },
      ],
    },
  }
  const added = {
    filter: { file: 'filter.onnx', macs: 48, params: 48 },
    exit: { file: 'exit.onnx', macs: 32, params: 32, accuracy: 0.7 },
  }
  const files = Object.fromEntries(
    Object.entries(models).map(([role, { file }]) => [file, bundle.modelBytes(role as 'head')]),
  )
  const modes = rest.modes.filter(({ route }) => route !== 'edge')
  const draft = { ...rest, ...gates, modes, models: { ...own, ...added } }
  return {
    dir,
    bundle: await writeBundle(dir, draft, {
      ...files,
      'filter.onnx': brightness(),
      'exit.onnx': sureExit(),
    }),
  }
}

/** A bundle of real (untrained) models in a temporary folder. The local model has other weights than the full one. */
export async function writeTinyBundle(
  without: 'local' | 'nothing' = 'nothing',
): Promise<{ dir: string; bundle: Bundle }> {
  const dir = join(await mkdtemp(join(tmpdir(), 'isthmus-bundle-')), 'tiny')
  const files: Record<string, Uint8Array> = {
    'local.onnx': model('x', 'y', 50),
    'head.onnx': model('x', 'z', 1),
    'tail.onnx': model('z', 'y', 1),
    'full.onnx': model('x', 'y', 1),
  }
  if (without === 'nothing') return { dir, bundle: await writeBundle(dir, draft, files) }
  const { local: _, ...models } = draft.models
  delete files['local.onnx']
  const modes = draft.modes.filter(({ route }) => route !== 'local')
  return { dir, bundle: await writeBundle(dir, { ...draft, models, modes }, files) }
}
