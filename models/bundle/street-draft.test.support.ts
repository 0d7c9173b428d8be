import type { ManifestDraft } from './index.ts'

/** A classifier in two parts that send four bytes: head.onnx and parts/tail.onnx. */
export const streetDraft = (changes: Partial<ManifestDraft> = {}): ManifestDraft => ({
  name: 'street',
  version: '1.0.0',
  task: 'classification',
  labels: ['cat', 'dog'],
  input: { name: 'image', dims: [1, 2, 2], layout: 'NCHW', mean: [0], std: [1], fit: 'fill' },
  output: { name: 'logits', dims: [2], kind: 'logits' },
  latent: { name: 'z', dims: [4] },
  models: {
    head: { file: 'head.onnx', macs: 1, params: 1 },
    tail: { file: 'parts/tail.onnx', macs: 1, params: 1 },
  },
  modes: [
    {
      id: 1,
      name: 'split',
      route: 'split',
      quantizer: { kind: 'affine-dynamic', bits: 8 },
      payloadBytes: 4,
      headMacs: 1,
      tailMacs: 1,
    },
  ],
  ...changes,
})
