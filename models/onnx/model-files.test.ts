import { mkdir, mkdtemp, readdir, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openSession } from '../runtime/node.ts'
import { compareCut } from './compare.ts'
import { cut } from './cut.ts'
import { cutPoints } from './cut-points.ts'
import { fixtureGraphs } from './fixtures.ts'
import type { Model } from './graph.ts'
import { readModelFile, writeModelFile } from './model-files.ts'
import { seededFeeds } from './seeded-feeds.ts'
import { type ConstantTensor, elementCount } from './tensor.ts'
import { writeModel } from './write.ts'

const fixture = fixtureGraphs().find(({ name }) => name === 'residual')!
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'isthmus-onnx-'))
})
afterAll(() => rm(folder, { recursive: true }))

/** The fixture with every weight said to lie at `location`. */
const pointing = (location: string, offset = 0): Model => {
  const initializers = new Map<string, ConstantTensor>()
  for (const [name, { dtype, dims }] of fixture.model.graph.initializers) {
    initializers.set(name, {
      dtype,
      dims,
      bytes: new Uint8Array(0),
      external: { location, offset, length: -1 },
    })
  }
  return { ...fixture.model, graph: { ...fixture.model.graph, initializers } }
}

const written = async (name: string, model: Model): Promise<string> => {
  await writeFile(join(folder, name), writeModel(model))
  return join(folder, name)
}

describe('weights beside the model', () => {
  it('are written above the limit, found again, and cut into parts that embed them', async () => {
    const path = join(folder, 'large.onnx')
    expect(await writeModelFile(path, fixture.model, 2000)).toEqual([path, `${path}.data`])
    const model = await readModelFile(path)
    const sizes = Array.from(model.graph.initializers.values(), (tensor) => tensor.external)
    expect(sizes.every((external) => external === undefined)).toBe(true)
    const { head, tail } = cut(model, cutPoints(model.graph).at(-4)!.tensor)
    const parts = { head: join(folder, 'head.onnx'), tail: join(folder, 'tail.onnx') }
    expect(await writeModelFile(parts.head, head)).toEqual([parts.head])
    expect(await writeModelFile(parts.tail, tail)).toEqual([parts.tail])
    const feeds = seededFeeds(model, fixture.shapes)
    const exact = await compareCut({ whole: path, ...parts }, feeds, openSession, {
      graphOptimization: 'disabled',
    })
    expect(exact).toEqual({ identical: true, maxAbsDifference: 0 })
    expect((await readdir(folder)).filter((name) => name.endsWith('.tmp'))).toEqual([])
  })

  it('are read only when they are used', async () => {
    const path = join(folder, 'lazy.onnx')
    await writeModelFile(path, fixture.model, 0)
    const model = await readModelFile(path)
    await rm(`${path}.data`)
    const large = [...model.graph.initializers.values()].find((tensor) => elementCount(tensor.dims) > 256)!
    expect(() => large.bytes).toThrow(/Cannot read the weights.*lazy.onnx.data.*ENOENT/)
  })

  it.each(['../outside.bin', '/etc/hostname', 'sub/../../outside.bin', '..', '.'])(
    'outside the folder are not read: %s',
    async (location) => {
      await writeFile(join(folder, '..', 'outside.bin'), new Uint8Array(1 << 16)).catch(() => {})
      const path = await written('escape.onnx', pointing(location))
      await expect(readModelFile(path)).rejects.toMatchObject({ code: 'EXTERNAL_DATA' })
      await rm(join(folder, '..', 'outside.bin'), { force: true })
    },
  )

  it('behind a link that leads out of the folder are not read', async () => {
    await mkdir(join(folder, 'inner'))
    await writeFile(join(folder, 'secret.bin'), new Uint8Array(1 << 16))
    await symlink('../secret.bin', join(folder, 'inner', 'link.bin'))
    const path = await written('inner/linked.onnx', pointing('link.bin'))
    await expect(readModelFile(path)).rejects.toThrow(/outside its folder/)
  })

  it('that are missing or too short are named', async () => {
    await expect(readModelFile(await written('missing.onnx', pointing('no.bin')))).rejects.toThrow(/"no.bin"/)
    const path = await written('short.onnx', pointing('short.bin', 64))
    await writeFile(join(folder, 'short.bin'), new Uint8Array(1 << 16))
    await expect(readModelFile(path)).resolves.toBeDefined()
    await truncate(join(folder, 'short.bin'), 100)
    await expect(readModelFile(path)).rejects.toThrow(/"short.bin" holds 100 bytes where the model needs/)
  })
})

describe('a model file', () => {
  it('that cannot be read is named', async () => {
    await expect(readModelFile(join(folder, 'nothing.onnx'))).rejects.toMatchObject({
      code: 'MODEL_UNREADABLE',
      message: expect.stringContaining('nothing.onnx'),
    })
  })

  it('below the limit is one file', async () => {
    const path = join(folder, 'one.onnx')
    expect(await writeModelFile(path, fixture.model)).toEqual([path])
    expect((await stat(path)).size).toBe(writeModel(fixture.model).length)
  })
})
