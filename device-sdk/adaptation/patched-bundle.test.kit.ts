import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { NormParameters } from '@isthmus/models/adapt/norms'
import { type Bundle, type ManifestDraft, writeBundle } from '@isthmus/models/bundle'
import { float, float32Tensor, GraphBuilder, writeModel } from '@isthmus/models/onnx'
import { type EncodeOptions, encodePatch, newPatchKeys } from '@isthmus/models/patch'
import { PatchedNetwork } from './patched-network.ts'

export const LABELS = ['cat', 'dog', 'ship', 'frog']
export const keys = newPatchKeys()
/** When patches are made, in seconds since 1970. */
export const NOW_S = 1_000_000

const weights = (count: number, seed: number) =>
  Array.from({ length: count }, (_, at) => Math.sin(seed * 97 + at * 1.7))

/** x [1,3,4,4], normalised by channel → y [1,4]; or the first part of it, → z [1,8]. With a label, int64 [1], as its first output where wished. */
function network(output: 'y' | 'z', seed: number, channels = 3, labelFirst = false): Uint8Array {
  const graph = new GraphBuilder('adaptable')
  const vector = (values: number[]) => graph.constant(float32Tensor(values, [values.length]))
  const ones = new Array<number>(channels).fill(1)
  const norm = [ones, ones.map(() => 0), ones.map(() => 0), ones].map(vector)
  const x = graph.input('x', 'float32', [1, channels, 4, 4])
  const flat = graph.op('Flatten', [graph.op('BatchNormalization', [x, ...norm], { epsilon: float(1e-5) })])
  const first = graph.constant(float32Tensor(weights(channels * 16 * 8, seed), [channels * 16, 8]))
  let value = graph.op('Tanh', [graph.op('MatMul', [flat, first])])
  if (output === 'y') {
    const last = graph.constant(float32Tensor(weights(8 * 4, seed + 1), [8, 4]))
    value = graph.op('MatMul', [value, last])
  }
  if (labelFirst) graph.output(graph.op('ArgMax', [value], { axis: 1, keepdims: 0 }), 'label', 'int64')
  graph.output(graph.op('Identity', [value]), output)
  return writeModel(graph.build())
}

function tail(): Uint8Array {
  const graph = new GraphBuilder('tail')
  const last = graph.constant(float32Tensor(weights(8 * 4, 2), [8, 4]))
  graph.output(graph.op('MatMul', [graph.input('z', 'float32', [1, 8]), last]), 'y')
  return writeModel(graph.build())
}

const draft: ManifestDraft = {
  name: 'adaptable',
  version: '1.0.0',
  task: 'classification',
  labels: LABELS,
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
  ],
}

/** A bundle whose local network and head have normalisation layers, in a temporary folder. `labelFirst`: the answer is the network's second output. */
export async function writeAdaptableBundle(labelFirst = false): Promise<{ dir: string; bundle: Bundle }> {
  const dir = join(await mkdtemp(join(tmpdir(), 'isthmus-adaptable-')), 'adaptable')
  const files = {
    'local.onnx': network('y', 1, 3, labelFirst),
    'head.onnx': network('z', 1),
    'tail.onnx': tail(),
  }
  return { dir, bundle: await writeBundle(dir, draft, files) }
}

/** A network of another architecture. */
export const otherNetwork = (): Uint8Array => network('y', 1, 5)

/** The bundle's network with normalisation layers, and patches for it. */
export function patchesFor(bundle: Bundle, role: 'local' | 'head' = 'local') {
  const network = PatchedNetwork.of(bundle.modelBytes(role))!
  const family = bundle.manifest.models[role]!.sha256
  const patch = (options: Partial<EncodeOptions> & { version: number }) =>
    encodePatch({
      layout: network.layout,
      family: Uint8Array.from(Buffer.from(family, 'hex')),
      epoch: 1,
      target: shifted(network.base, options.version),
      reference: network.base,
      dtype: 'float32',
      issuedS: NOW_S,
      privateKey: keys.privateKey,
      ...options,
    })
  return { network, family, patch }
}

/** Other parameters: every step moves them on. */
export function shifted(base: NormParameters, step: number): NormParameters {
  return {
    scale: base.scale.map((value) => value * (1 + 0.1 * step)),
    shift: base.shift.map((value, at) => value + 0.05 * step * (at - 1)),
    mean: base.mean.map((value) => value + 0.02 * step),
    variance: base.variance.map((value) => value * (1 + 0.1 * step)),
  }
}
