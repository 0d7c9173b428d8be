import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { float32Tensor, GraphBuilder, writeModel } from '@isthmus/models/onnx'
import { writePipeline } from '@isthmus/models/pipeline/seal'
import type { Planner } from '@isthmus/policies/dag'
import { planningPolicy } from '@isthmus/policies/pipeline'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connectPipeline } from './connect-pipeline.ts'
import type { PipelineOptions } from './options.ts'
import { PipelineWorld } from './pipeline-world.test.kit.ts'

let root: string
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'isthmus-options-'))
  const graph = new GraphBuilder('double')
  const x = graph.input('x', 'float32', [1, 2])
  graph.output(graph.op('Mul', [x, graph.constant(float32Tensor([2], [1]))]), 'y')
  await writePipeline(
    join(root, 'double'),
    {
      name: 'double',
      version: '1.0.0',
      inputs: { x: { dims: [1, 2] } },
      stages: [{ id: 'double', model: 'double.onnx', inputs: { x: 'input.x' } }],
      outputs: { y: 'double.y' },
    },
    { 'double.onnx': writeModel(graph.build()) },
  )
})
afterAll(() => rmSync(root, { recursive: true }))

const connect = (options: object = {}) =>
  connectPipeline({ id: 'cam-1', pipeline: join(root, 'double'), ...options } as PipelineOptions)

/** Everything on the server that can be there. */
const outward: Planner = {
  name: 'outward',
  plan: ({ tasks }) => ({
    host: new Int32Array(tasks).fill(1),
    sequence: Int32Array.from({ length: tasks }, (_, task) => task),
  }),
}

const someAgents = { shape: { row: 3 }, weights: new Map() }

test('agents that cannot be served are refused', async () => {
  const refused = expect.objectContaining({
    code: 'BAD_POLICY',
    message: expect.stringMatching(/rows have 3/),
  })
  await expect(connect({ agents: someAgents })).rejects.toThrow(refused)
})

test('without a broker a pipeline runs on its own, in its thread', async () => {
  const pipeline = await connect()
  const answer = await pipeline.run({ x: { dtype: 'float32', dims: [1, 2], data: Float32Array.of(1, 2) } })
  expect(answer.outputs).toEqual({ y: { dtype: 'float32', dims: [1, 2], data: Float32Array.of(2, 4) } })
  expect(answer).toMatchObject({ pipeline: 'double@1.0.0', placement: { double: 'device' }, bytesUp: 0 })
  expect(answer.stages).toMatchObject([{ id: 'double', host: 'device' }])
  expect(await pipeline.waitForServer(60_000)).toBe(false)
  await pipeline.close()
})

test.each([
  [{ placment: {} }, /connectPipeline: placment is not an option, did you mean placement/],
  [{ bundle: 'x' }, /bundle is not an option/],
  [{ placement: { doubel: 'edge' } }, /placement\.doubel: .*did you mean double/],
  [{ placement: { double: 'moon' } }, /placement\.double/],
  [{ deadlineMs: 0 }, /deadlineMs/],
  [{ planner: {} }, /planner: must be a planner/],
  [{ planner: outward, policy: planningPolicy() }, /planner: a policy of your own/],
  [{ agents: { shape: {} } }, /agents: must be agents as they were loaded/],
  [{ agents: someAgents, planner: outward }, /planner: agents decide without it/],
  [{ agents: someAgents, policy: planningPolicy() }, /policy: agents decide without it/],
  [{ agents: someAgents, tellsPerSecond: 1000 }, /tellsPerSecond/],
  [{ weights: { delay: 1 } }, /weights\.delay is not an option/],
])('options %o are refused by name', async (options, reason) => {
  await expect(connect(options)).rejects.toThrow(expect.objectContaining({ code: 'BAD_OPTIONS' }))
  await expect(connect(options)).rejects.toThrow(reason)
})

test('another planner decides in place of the default one', async () => {
  const world = await PipelineWorld.create({ rttMs: 40, policy: planningPolicy({ planner: outward }) })
  const answer = await world.run()
  expect(answer.stages.map(({ host }) => host)).toEqual(['edge', 'edge', 'edge'])
  expect(answer.reason).toMatch(/^outward: /)
})
