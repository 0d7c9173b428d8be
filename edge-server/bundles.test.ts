import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ManifestDraft, writeBundle } from '@isthmus/models/bundle'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readBundles } from './bundles.ts'
import { manifest } from './dispatch/bundle.test.support.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'isthmus-read-'))
})
afterEach(() => rm(folder, { recursive: true }))

const costs = { macs: 1, params: 1 }

/** A bundle with so many tasks of two widths, each of so many labels. */
async function write(tasks: number, labels: number): Promise<string> {
  const dir = join(folder, 'asked')
  const decoder = (id: number) => ({
    ...costs,
    file: 'decoder.onnx',
    id,
    width: id % 2 ? 0.5 : 1,
    accuracy: 1,
  })
  const named = Array.from({ length: labels }, (_, at) => `${at}`)
  const draft: ManifestDraft = {
    ...manifest,
    models: { tail: { ...costs, file: 'tail.onnx' }, head: { ...costs, file: 'tail.onnx' } },
    modes: manifest.modes.filter(({ route }) => route === 'split'),
    tasks: Array.from({ length: tasks }, (_, at) => ({
      name: `task-${at}`,
      labels: named,
      decoders: [decoder(2 * at + 1), decoder(2 * at + 2)],
    })),
  }
  await writeBundle(dir, draft, { 'decoder.onnx': Uint8Array.of(1), 'tail.onnx': Uint8Array.of(2) })
  return dir
}

describe('a bundle with further tasks', () => {
  it('is served when what a request may ask for fits into a reply, however much all decoders would give', async () => {
    expect((await readBundles(await write(16, 4000))).served).toHaveLength(1)
  })

  it('is refused when it does not fit', async () => {
    await expect(readBundles(await write(4, 4100))).rejects.toThrow(
      /131208 bytes does not fit into a message/,
    )
  })
})
