import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeBundle } from '@isthmus/models/bundle'
import { manifest } from '../dispatch/bundle.test.support.ts'
import { inputDims, latentDims, slowModel, summingModel } from './models.test.support.ts'

/** Bundles in a temporary folder: one that is quick, one that takes a while, and one that was changed. */
export class BundleFolder {
  readonly #root: string
  fastKey = 0
  slowKey = 0

  private constructor(root: string) {
    this.#root = root
  }

  static async make(): Promise<BundleFolder> {
    const folder = new BundleFolder(mkdtempSync(join(tmpdir(), 'isthmus-bundles-')))
    const full = summingModel('image', inputDims)
    const fast = summingModel('latent', latentDims, 'N')
    folder.fastKey = (await write(folder.fast, 'fast', fast, full)).key
    folder.slowKey = (await write(folder.slow, 'slow', slowModel('latent', latentDims, 30), full)).key
    await write(folder.changed, 'changed', fast, full)
    await write(join(folder.mixed, 'fast'), 'fast', fast, full)
    await write(join(folder.mixed, 'changed'), 'changed', fast, full)
    await write(join(folder.mixed, 'unloadable'), 'unloadable', Uint8Array.of(1, 2, 3), full)
    for (const bundle of [folder.changed, join(folder.mixed, 'changed')])
      changeOneByte(join(bundle, 'tail.onnx'))
    mkdirSync(folder.empty)
    return folder
  }

  get fast(): string {
    return join(this.#root, 'fast')
  }

  get slow(): string {
    return join(this.#root, 'slow')
  }

  get changed(): string {
    return join(this.#root, 'changed')
  }

  /** A folder of several bundles, of which one can be served. */
  get mixed(): string {
    return join(this.#root, 'mixed')
  }

  get empty(): string {
    return join(this.#root, 'empty')
  }

  remove(): void {
    rmSync(this.#root, { recursive: true })
  }
}

function changeOneByte(path: string): void {
  const bytes = readFileSync(path)
  bytes[bytes.length >> 1]! ^= 1
  writeFileSync(path, bytes)
}

async function write(dir: string, name: string, tail: Uint8Array, full: Uint8Array) {
  const costs = { macs: 1, params: 1 }
  const files = { 'head.onnx': summingModel('image', inputDims), 'tail.onnx': tail, 'full.onnx': full }
  const models = {
    head: { file: 'head.onnx', ...costs },
    tail: { file: 'tail.onnx', ...costs },
    full: { file: 'full.onnx', ...costs },
    local: { file: 'full.onnx', ...costs },
  }
  mkdirSync(join(dir, '..'), { recursive: true })
  return writeBundle(dir, { ...manifest, name, models }, files)
}
