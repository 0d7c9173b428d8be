import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Bundle, type ManifestDraft, writeBundle } from '@isthmus/models/bundle'
import { float32Tensor, GraphBuilder, writeModel } from '@isthmus/models/onnx'

const weights = (count: number, seed: number) =>
  Array.from({ length: count }, (_, i) => Math.sin(seed * 97 + i * 1.7))

/**
 * x [1,3,4,4] → z [1,8] → y [1,4]; each part on its own, and whole. A latent whose numbers are all below −1, which
 * no head makes (its last operator is Tanh), gives NaN.
 */
function model(input: 'x' | 'z', output: 'y' | 'z', seed: number): Uint8Array {
  const graph = new GraphBuilder('tiny')
  let value = graph.input(input, 'float32', input === 'x' ? [1, 3, 4, 4] : [1, 8])
  if (input === 'x') {
    const head = graph.constant(float32Tensor(weights(48 * 8, seed), [48, 8]))
    value = graph.op('Tanh', [graph.op('MatMul', [graph.op('Flatten', [value]), head])])
  }
  if (output === 'y') {
    const tail = graph.constant(float32Tensor(weights(8 * 4, seed + 1), [8, 4]))
    const largest = graph.op('ReduceMax', [value], { keepdims: 0 })
    const root = graph.op('Sqrt', [graph.op('Add', [largest, graph.scalar(1)])])
    const nothing = graph.op('Mul', [root, graph.scalar(0)])
    value = graph.op('Add', [graph.op('MatMul', [value, tail]), nothing])
  }
  graph.output(graph.op('Identity', [value]), output)
  return writeModel(graph.build())
}

/** z [1,8] → logits [1,count]: the decoder of a further task. */
function decoder(count: number, seed: number): Uint8Array {
  const graph = new GraphBuilder('decoder')
  const matrix = graph.constant(float32Tensor(weights(8 * count, seed), [8, count]))
  graph.output(graph.op('MatMul', [graph.input('z', 'float32', [1, 8]), matrix]), 'logits')
  return writeModel(graph.build())
}

const part = (file: string) => ({ file, macs: 416, params: 416 })
const costs = { headMacs: 384, tailMacs: 32 }

/** Ids of bundle `tiny`'s decoders. */
export const decoders = { coatWide: 1, coatNarrow: 2, size: 3 } as const

/** Bundle `tiny`'s modes. */
export const modes = { local: 1, split: 2, half: 3, image: 4 } as const

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
    local: part('local.onnx'),
    head: part('head.onnx'),
    tail: part('tail.onnx'),
    full: part('full.onnx'),
  },
  tasks: [
    {
      name: 'coat',
      labels: ['fur', 'none'],
      decoders: [
        { ...part('coat-wide.onnx'), id: decoders.coatWide, width: 1, macs: 100, accuracy: 0.95 },
        { ...part('coat-narrow.onnx'), id: decoders.coatNarrow, width: 0.5, macs: 10, accuracy: 0.9 },
      ],
    },
    {
      name: 'size',
      labels: ['small', 'large', 'huge'],
      decoders: [{ ...part('size.onnx'), id: decoders.size, width: 1, macs: 50, accuracy: 0.9 }],
    },
  ],
  modes: [
    { id: modes.local, name: 'local', route: 'local', payloadBytes: 0, ...costs },
    {
      id: modes.split,
      name: 'split-8bit',
      route: 'split',
      payloadBytes: 8,
      ...costs,
      quantizer: { kind: 'affine-static', bits: 8, scale: 3 / 255, zeroPoint: 128 },
    },
    {
      id: modes.half,
      name: 'split-half',
      route: 'split',
      payloadBytes: 16,
      ...costs,
      quantizer: { kind: 'affine-dynamic', bits: 16 },
    },
    {
      id: modes.image,
      name: 'edge-png',
      route: 'edge',
      payloadBytes: 100,
      ...costs,
      image: { codec: 'png' },
    },
  ],
}

export interface TinyBundle {
  readonly dir: string
  readonly bundle: Bundle
}

/** A bundle of small real models in a temporary folder. The local model has other weights than the full one. */
export async function writeTinyBundle(): Promise<TinyBundle> {
  const dir = join(await mkdtemp(join(tmpdir(), 'isthmus-e2e-')), 'tiny')
  const bundle = await writeBundle(dir, draft, {
    'local.onnx': model('x', 'y', 50),
    'head.onnx': model('x', 'z', 1),
    'tail.onnx': model('z', 'y', 1),
    'full.onnx': model('x', 'y', 1),
    'coat-wide.onnx': decoder(2, 5),
    'coat-narrow.onnx': decoder(2, 6),
    'size.onnx': decoder(3, 7),
  })
  return { dir, bundle }
}
