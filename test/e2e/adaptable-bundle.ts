import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Bundle, type ManifestDraft, writeBundle } from '@isthmus/models/bundle'
import { seededRandom } from '@isthmus/models/data'
import { localNet, NetBuilder } from '@isthmus/models/nets'
import { writeModel } from '@isthmus/models/onnx'

/** Untrained, and sure of its answers: a server learns only from what its foundation is sure of. */
function network(): Uint8Array {
  const net = new NetBuilder('tiny', { random: seededRandom(1) })
  const input = net.g.input('input', 'float32', ['N', 3, 32, 32])
  const logits = localNet(net, input, { stage1: 4, stage2: 6 })
  net.g.output(net.g.op('Mul', [logits, net.g.scalar(3)]), 'logits', 'float32', ['N', 10])
  return writeModel(net.build())
}

const part = (file: string) => ({ file, macs: 1, params: 1 })
const costs = { headMacs: 0, tailMacs: 1 }

const draft: ManifestDraft = {
  name: 'adaptable',
  version: '1.0.0',
  task: 'classification',
  labels: Array.from({ length: 10 }, (_, label) => `label-${label}`),
  input: {
    name: 'input',
    dims: [3, 32, 32],
    layout: 'NCHW',
    mean: [0.5, 0.5, 0.5],
    std: [0.25, 0.25, 0.25],
    fit: 'fill',
  },
  output: { name: 'logits', dims: [10], kind: 'logits' },
  models: { local: part('local.onnx'), full: part('full.onnx') },
  modes: [
    { id: 1, name: 'local', route: 'local', payloadBytes: 0, headMacs: 1, tailMacs: 0 },
    { id: 2, name: 'edge', route: 'edge', payloadBytes: 3072, ...costs, image: { codec: 'raw' } },
  ],
}

export interface AdaptableBundle {
  readonly folder: string
  readonly bundle: Bundle
  /** SHA-256 of the local network's file. */
  readonly family: string
}

/** A bundle in a new folder whose local network has normalisations, and whose full network is the same. */
export async function writeAdaptableBundle(): Promise<AdaptableBundle> {
  const folder = await mkdtemp(join(tmpdir(), 'isthmus-adaptable-'))
  const bundle = await writeBundle(join(folder, 'adaptable'), draft, {
    'local.onnx': network(),
    'full.onnx': network(),
  })
  return { folder, bundle, family: bundle.manifest.models.local!.sha256 }
}

const latentDims = [4, 8, 8]

function head(): Uint8Array {
  const net = new NetBuilder('head', { random: seededRandom(2) })
  const input = net.g.input('input', 'float32', ['N', 3, 32, 32])
  const stem = net.conv('stem', input, 3, 4, { kernel: 4, stride: 4 })
  net.g.output(net.norm('norm', stem, 4), 'latent', 'float32', ['N', ...latentDims])
  return writeModel(net.build())
}

function tail(): Uint8Array {
  const net = new NetBuilder('tail', { random: seededRandom(3) })
  const latent = net.g.input('latent', 'float32', ['N', ...latentDims])
  const conv = net.conv('conv', latent, 4, 6, { kernel: 3, pad: 1 })
  const pooled = net.globalAverage(net.normRelu('norm', conv, 6))
  net.g.output(net.linear('classifier', pooled, 6, 10), 'logits', 'float32', ['N', 10])
  return writeModel(net.build())
}

/** The same, and a split network whose head and tail have normalisations. */
export async function writeAdaptableSplit(): Promise<{ folder: string; bundle: Bundle }> {
  const folder = await mkdtemp(join(tmpdir(), 'isthmus-adaptable-split-'))
  const quantizer = { kind: 'affine-static', bits: 8, scale: 0.05, zeroPoint: 128 } as const
  const split = { name: 'split', route: 'split', payloadBytes: 256, headMacs: 1, tailMacs: 1 } as const
  const bundle = await writeBundle(
    join(folder, 'split'),
    {
      ...draft,
      name: 'split',
      latent: { name: 'latent', dims: latentDims },
      models: { ...draft.models, head: part('head.onnx'), tail: part('tail.onnx') },
      modes: [...draft.modes, { id: 3, ...split, quantizer }],
    },
    { 'local.onnx': network(), 'full.onnx': network(), 'head.onnx': head(), 'tail.onnx': tail() },
  )
  return { folder, bundle }
}
