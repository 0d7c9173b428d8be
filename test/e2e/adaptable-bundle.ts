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
