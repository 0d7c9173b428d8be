import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadBundle } from '../bundle/load.ts'
import { runCli } from './run.ts'

// A network that was not built here, and photographs. The folder is no part of the repository.
const data = process.env.ISTHMUS_SHARED_DATA ?? ''
const model = join(data, 'models', 'inception-v3.onnx')

describe.skipIf(!existsSync(model))(
  'packing Inception V3 (skipped without ISTHMUS_SHARED_DATA=FOLDER)',
  () => {
    let folder: string
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'isthmus-inception-'))
    })
    afterAll(() => rm(folder, { recursive: true }))

    it('keeps its answers in 8 and 4 bits, and knows the photos by the numbers in their names', async () => {
      // The file's first line is the background class.
      const lines = (await readFile(join(data, 'models', 'inception-v3.labels.txt'), 'utf8'))
        .trim()
        .split('\n')
      const labels = join(folder, 'labels.txt')
      await writeFile(labels, lines.slice(-1000).join('\n'))
      const out = join(folder, 'inception')
      const photos = join(data, 'imagenet-sample')
      const code = await runCli(
        [
          ...['pack', model, '--at', 't247', '--labels', labels, '--background', '--scale', '-1..1'],
          ...['--labelled', photos, '--limit', '8', '--threads', '1', '--out', out],
        ],
        { print: () => {}, warn: () => {} },
      )
      expect(code).toBe(0)
      const { manifest } = await loadBundle(out)
      expect(manifest).toMatchObject({
        input: { dims: [299, 299, 3], layout: 'NHWC' },
        output: { dims: [1001], kind: 'logits' },
        latent: { dims: [768 + 512, 8, 8] },
      })
      expect(manifest.labels.slice(0, 2)).toEqual(['background', 'tench'])
      expect(manifest.recipe!['split-8bit.agreement']).toBe(1)
      expect(manifest.recipe!['split-4bit.agreement']).toBeGreaterThanOrEqual(7 / 8)
      expect(manifest.modes[0]!.accuracy).toBeGreaterThanOrEqual(6 / 8)
    })

    it('names the next cut when a frame does not fit into a message', async () => {
      const said: string[] = []
      const code = await runCli(
        [
          'pack',
          model,
          '--at',
          't16',
          '--labels',
          join(data, 'models', 'inception-v3.labels.txt'),
          '--scale',
          '-1..1',
        ],
        { print: () => {}, warn: (text) => said.push(text) },
      )
      expect(code).toBe(1)
      expect(said.join()).toMatch(/235\.2 kB with 8 bits.*next cut that fits is "t247"/)
    })
  },
)
