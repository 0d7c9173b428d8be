import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Bundle, type ManifestDraft, writeBundle } from '@isthmus/models/bundle'
import { writeModel } from '@isthmus/models/onnx'
import { familyKey } from '@isthmus/proto'
import { afterAll, describe, expect, it } from 'vitest'
import { splitFamiliesOf } from './split-families.ts'
import {
  tinyFoundation,
  tinyHead,
  tinyLatentDims,
  tinyQuantizer,
  tinyStudent,
  tinyTail,
} from './tiny-networks.test.support.ts'

const folder = mkdtempSync(join(tmpdir(), 'isthmus-split-families-'))
afterAll(() => rmSync(folder, { recursive: true }))

const part = (file: string) => ({ file, macs: 1, params: 1 })
const common = { route: 'split', payloadBytes: 256, headMacs: 1, tailMacs: 1 } as const
const draft = (name: string): ManifestDraft => ({
  ...{ name, version: '1.0.0', task: 'classification' },
  labels: Array.from({ length: 10 }, (_, label) => `${label}`),
  input: { name: 'input', dims: [3, 32, 32], layout: 'NCHW', mean: [0, 0, 0], std: [1, 1, 1], fit: 'fill' },
  output: { name: 'logits', dims: [10], kind: 'logits' },
  latent: { name: 'latent', dims: tinyLatentDims },
  models: {
    local: part('local.onnx'),
    full: part('full.onnx'),
    head: part('head.onnx'),
    tail: part('tail.onnx'),
  },
  modes: [{ id: 1, name: 'split', ...common, quantizer: tinyQuantizer }],
})

const bundleOf = (name: string, tailSeed = 4, changes: Partial<ManifestDraft> = {}): Promise<Bundle> => {
  const made = { ...draft(name), ...changes }
  const files: Record<string, Uint8Array> = {
    'local.onnx': tinyStudent(),
    'full.onnx': tinyFoundation(),
    'head.onnx': writeModel(tinyHead()),
    'tail.onnx': writeModel(tinyTail(tailSeed)),
  }
  const wanted = Object.values(made.models).map(({ file }) => file)
  return writeBundle(
    join(folder, name),
    made,
    Object.fromEntries(Object.entries(files).filter(([file]) => wanted.includes(file))),
  )
}

describe('the split networks of some bundles', () => {
  it('are one family where head and tail are the same, fed by the devices of every bundle', async () => {
    const bundles = [await bundleOf('one'), await bundleOf('two')]
    const { adaptable, refused } = splitFamiliesOf(bundles, 'both')
    expect(refused).toEqual([])
    expect(adaptable.map(({ id, bundles: keys }) => [id, keys])).toEqual([
      ['one@1.0.0/split', bundles.map(({ key }) => key)],
    ])
    const { head, local } = bundles[0]!.manifest.models
    expect([...adaptable[0]!.samples]).toEqual([familyKey(head!.sha256), familyKey(local!.sha256)])
  })

  it('are refused for a head that has another tail already, and without a network to teach them', async () => {
    const { full: _, ...untaught } = draft('x').models
    const bundles = [
      await bundleOf('first'),
      await bundleOf('other-tail', 5),
      await bundleOf('untaught', 4, { models: untaught }),
    ]
    const { adaptable, refused } = splitFamiliesOf(bundles.toReversed(), 'tail')
    expect(adaptable.map(({ id }) => id)).toEqual(['other-tail@1.0.0/tail'])
    expect(refused.map(({ bundle }) => bundle)).toEqual(['untaught@1.0.0', 'first@1.0.0'])
  })

  it('are none in bundles that are not split', async () => {
    const { head: _, tail: __, ...models } = draft('x').models
    const modes: ManifestDraft['modes'] = [
      { id: 1, name: 'local', route: 'local', payloadBytes: 0, headMacs: 1, tailMacs: 0 },
    ]
    const { latent: ___, ...rest } = draft('whole')
    const bundle = await writeBundle(
      join(folder, 'whole'),
      { ...rest, models, modes },
      {
        'local.onnx': tinyStudent(),
        'full.onnx': tinyFoundation(),
      },
    )
    expect(splitFamiliesOf([bundle], 'tail')).toEqual({ adaptable: [], refused: [] })
  })
})
