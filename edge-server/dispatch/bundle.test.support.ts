import type { Bundle, Manifest, Mode } from '@isthmus/models/bundle'

const file = { file: 'x.onnx', sha256: '0'.repeat(64), bytes: 1, macs: 1, params: 1 }
const costs = { headMacs: 0, tailMacs: 0 }

/** A mode for each way to send a frame: latent of 4 values, image of 2×2×3. */
export const modes: readonly Mode[] = [
  {
    ...costs,
    id: 1,
    payloadBytes: 4,
    name: 'static8',
    route: 'split',
    quantizer: { kind: 'affine-static', bits: 8, scale: 1, zeroPoint: 0 },
  },
  {
    ...costs,
    id: 2,
    payloadBytes: 2,
    name: 'dynamic4',
    route: 'split',
    quantizer: { kind: 'affine-dynamic', bits: 4 },
  },
  { ...costs, id: 3, payloadBytes: 12, name: 'raw', route: 'edge', image: { codec: 'raw' } },
  { ...costs, id: 4, payloadBytes: 90, name: 'png', route: 'edge', image: { codec: 'png' } },
  { ...costs, id: 5, payloadBytes: 0, name: 'local', route: 'local' },
  {
    ...costs,
    id: 6,
    payloadBytes: 8,
    name: 'half',
    route: 'split',
    quantizer: { kind: 'affine-dynamic', bits: 16 },
  },
  {
    ...costs,
    id: 7,
    payloadBytes: 3,
    name: 'coded4',
    route: 'split',
    quantizer: {
      kind: 'entropy',
      bits: 4,
      scale: 1,
      zeroPoint: 0,
      tables: [{ first: 0, frequencies: [4095, 1] }],
    },
  },
]

/** The manifest of a bundle that adds nothing up but has every field. */
export const manifest: Manifest = {
  format: 1,
  name: 'tiny',
  version: '1.0.0',
  task: 'classification',
  labels: ['a', 'b'],
  input: { name: 'image', dims: [3, 2, 2], layout: 'NCHW', mean: [0, 0, 0], std: [1, 1, 1], fit: 'cover' },
  output: { name: 'logits', dims: [1, 2], kind: 'logits' },
  latent: { name: 'latent', dims: [1, 2, 2] },
  models: { local: file, head: file, tail: file, full: file },
  modes: [...modes],
}

/** A bundle as data: its models are never asked for. */
export const bundleOf = (changes: Partial<Manifest> = {}, key = 77): Bundle => {
  const changed = { ...manifest, ...changes }
  return {
    manifest: changed,
    key,
    id: `${changed.name}@${changed.version}`,
    modelBytes: () => {
      throw new Error('This bundle has no models')
    },
    decoderBytes: () => {
      throw new Error('This bundle has no models')
    },
  }
}
