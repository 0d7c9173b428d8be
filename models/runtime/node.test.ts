import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { GraphBuilder, writeModel } from '../onnx/index.ts'
import { openSession, openWorkerSession } from './index.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'isthmus-session-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const twice = (() => {
  const g = new GraphBuilder('twice')
  const x = g.input('x', 'float32', ['N'])
  g.output(g.op('Add', [x, x]), 'y', 'float32', ['N'])
  return writeModel(g.build())
})()

const x = { dtype: 'float32', dims: [1], data: Float32Array.of(21) } as const

it.each([
  { name: 'this thread', open: openSession },
  { name: 'a worker thread', open: openWorkerSession },
])('opens a model by its path on $name', async ({ open }) => {
  const path = join(folder, 'twice.onnx')
  await writeFile(path, twice)
  const session = await open(path)
  expect((await session.run({ x })).y?.data).toEqual(Float32Array.of(42))
  await session.dispose()
})

it('writes a trace that names the operators when it is disposed of', async () => {
  const session = await openSession(twice, { profile: join(folder, 'trace'), graphOptimization: 'disabled' })
  await session.run({ x })
  await session.dispose()
  const [file] = await readdir(folder)
  expect(file).toMatch(/^trace.*\.json$/)
  const events: { args?: { op_name?: string } }[] = JSON.parse(await readFile(join(folder, file!), 'utf8'))
  expect(events.some(({ args }) => args?.op_name === 'Add')).toBe(true)
})
