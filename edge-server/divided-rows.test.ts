import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GraphBuilder, writeModel } from '@isthmus/models/onnx'
import type { Pipeline } from '@isthmus/models/pipeline'
import { writePipeline } from '@isthmus/models/pipeline/seal'
import { type BodyFields, type StagesRequest, wireErrorCodeOf } from '@isthmus/proto'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { SITE, WireDevice } from './device.test.support.ts'
import { type EdgeServer, startEdge } from './server.ts'

/** y = x · factor for any number of rows. */
function scaling(factor: number): Uint8Array {
  const graph = new GraphBuilder('scaling')
  const x = graph.input('x', 'float32', ['N', 2])
  graph.output(graph.op('Mul', [x, graph.scalar(factor)]), 'y')
  return writeModel(graph.build())
}

let root: string
let pipeline: Pipeline
let server: EdgeServer
let camera: WireDevice
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'isthmus-rows-'))
  const draft = {
    name: 'rows',
    version: '1.0.0',
    inputs: { x: { dims: [4, 2] } },
    stages: [
      { id: 'each', model: 'each.onnx', inputs: { x: 'input.x' }, divisible: true },
      { id: 'all', model: 'all.onnx', inputs: { x: 'each.y' } },
    ],
    outputs: { y: 'all.y', each: 'each.y' },
  }
  pipeline = await writePipeline(join(root, 'rows'), draft, {
    'each.onnx': scaling(2),
    'all.onnx': scaling(3),
  })
  const log = pino({ level: 'silent' })
  const ports = { mqttPort: 0, wsPort: 'off', httpPort: 'off' } as const
  server = await startEdge({ site: SITE, pipelines: root, workers: 1, log, ...ports })
  camera = await WireDevice.connect(`mqtt://127.0.0.1:${server.ports.mqttPort}`, 'cam')
})
afterAll(async () => {
  await camera.close()
  await server.close()
  rmSync(root, { recursive: true })
})

const bytes = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer)

async function ask(changes: Partial<StagesRequest>, payload: Uint8Array): Promise<number[] | string> {
  const request = { kind: 'stages', pipeline: pipeline.key, stages: 1, inputs: [0], outputs: [1], ...changes }
  const id = camera.send(payload as Uint8Array<ArrayBuffer>, request as Partial<BodyFields>)
  const { body, payload: answer } = await camera.take(({ envelope }) => envelope.id === id)
  if (body.kind === 'error') return `${wireErrorCodeOf(body.code)}: ${body.detail}`
  return [...new Float32Array(answer.slice().buffer)]
}

it('a server runs as many rows of a stage as it is brought, of one that may be divided', async () => {
  expect(pipeline.wiring.stages[0]!.division).toEqual({ rows: 4, leastRows: 1 })
  expect(await ask({}, bytes(1, 2, 3, 4, 5, 6, 7, 8))).toEqual([2, 4, 6, 8, 10, 12, 14, 16])
  for (const rows of [1, 2, 3]) {
    const part = [1, 2, 3, 4, 5, 6].slice(0, 2 * rows)
    expect(await ask({ rows }, bytes(...part))).toEqual(part.map((value) => 2 * value))
  }
})

it.each<[string, Partial<StagesRequest>, number, RegExp]>([
  ['all of them as a part', { rows: 4 }, 8, /^BAD_SHAPE: .*1 to 3 rows/],
  ['more than there are', { rows: 4_294_967_295 }, 8, /^BAD_SHAPE: .*1 to 3 rows/],
  ['other bytes than its rows have', { rows: 2 }, 6, /^BAD_SHAPE: .*16 payload bytes, not 24/],
  [
    'a stage that is whole',
    { stages: 2, inputs: [1], outputs: [2], rows: 2 },
    4,
    /^BAD_SHAPE: .*'all' cannot/,
  ],
  ['two stages', { stages: 3, outputs: [2], rows: 2 }, 4, /^BAD_SHAPE: .*one stage at a time/],
])('a server refuses rows: %s, and goes on', async (_, changes, numbers, reason) => {
  expect(await ask(changes, bytes(...Array(numbers).fill(1)))).toMatch(reason)
  expect(await ask({ rows: 1 }, bytes(1, 2))).toEqual([2, 4])
})
