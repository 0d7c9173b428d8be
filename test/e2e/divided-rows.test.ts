import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectPipeline, type PipelineAnswer } from '@isthmus/device-sdk'
import { float32Tensor, GraphBuilder, writeModel } from '@isthmus/models/onnx'
import { writePipeline } from '@isthmus/models/pipeline/seal'
import { loadAgents, trainedAgentsFolder } from '@isthmus/policies/files'
import type { PipelinePolicy } from '@isthmus/policies/pipeline'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EdgeDaemon } from './edge-daemon.ts'
import { bytesOf } from './pipeline-process.ts'

const CROPS = 8

/** Crops of one frame, [N, 3, 16, 16], to ten numbers each. */
function classifier(): Uint8Array {
  const g = new GraphBuilder('classifier')
  const weights = (dims: number[], seed: number) => {
    const count = dims.reduce((product, dim) => product * dim, 1)
    return g.constant(
      float32Tensor(
        Float32Array.from({ length: count }, (_, at) => Math.sin(seed + at)),
        dims,
      ),
    )
  }
  let x = g.input('x', 'float32', ['N', 3, 16, 16])
  for (const [from, to] of [
    [3, 8],
    [8, 8],
  ] as const)
    x = g.op('Relu', [g.op('Conv', [x, weights([to, from, 3, 3], to + from)], { pads: [1, 1, 1, 1] })])
  const flat = g.op('Flatten', [x], { axis: 1 })
  g.output(g.op('MatMul', [flat, weights([2048, 10], 3)]), 'y')
  return writeModel(g.build())
}

/** The crops' mean. */
function mean(): Uint8Array {
  const g = new GraphBuilder('mean')
  g.output(g.op('ReduceMean', [g.input('x', 'float32', [CROPS, 10])], { axes: [0], keepdims: 1 }), 'y')
  return writeModel(g.build())
}

let root: string
/** What a device that knows no broker makes of each frame. */
const expected: ReturnType<typeof bytesOf>[] = []
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'isthmus-rows-'))
  const draft = {
    name: 'crops',
    version: '1.0.0',
    inputs: { crops: { dims: [CROPS, 3, 16, 16] } },
    stages: [
      { id: 'classify', model: 'classify.onnx', inputs: { x: 'input.crops' }, divisible: true },
      { id: 'mean', model: 'mean.onnx', inputs: { x: 'classify.y' } },
    ],
    outputs: { labels: 'classify.y', mean: 'mean.y' },
  }
  const pipeline = join(root, 'crops')
  await writePipeline(pipeline, draft, { 'classify.onnx': classifier(), 'mean.onnx': mean() })
  const alone = await connectPipeline({ id: 'alone', pipeline, deadlineMs: 5000 })
  for (let seed = 0; seed <= CROPS; seed++) expected.push(bytesOf(await alone.run({ crops: crops(seed) })))
  await alone.close()
})
afterAll(() => rm(root, { recursive: true }))

const crops = (seed: number) =>
  Float32Array.from({ length: CROPS * 768 }, (_, at) => Math.sin(seed + at * at * 0.01))
const classified = ({ stages }: PipelineAnswer) => stages.find(({ id }) => id === 'classify')!

describe('crops of a frame, classified on both sides', () => {
  it('come out bit for bit as on the device alone, however they are divided, also when the server dies', async () => {
    const pipeline = join(root, 'crops')
    let share = 1
    const policy: PipelinePolicy = {
      place: () => ({ hosts: ['edge', 'device'], shares: [share, 1], expectedMs: 1, reason: 'told to' }),
    }
    const edge = await EdgeDaemon.start(root, ['--mqtt-port', '0'], 'pipelines')
    const broker = `mqtt://127.0.0.1:${edge.mqttPort}`
    const device = await connectPipeline({ id: 'cam-1', broker, pipeline, policy, deadlineMs: 5000 })
    try {
      expect(await device.waitForServer(20_000)).toBe(true)
      for (let there = 2; there <= CROPS - 2; there++) {
        share = there / CROPS
        const answer = await device.run({ crops: crops(there) })
        expect(bytesOf(answer)).toEqual(expected[there])
        expect(answer.fallback).toBeUndefined()
        expect(classified(answer)).toMatchObject({ host: 'edge', rowsThere: there })
        expect(answer.bytesUp - there * 3 * 16 * 16 * 4).toBeLessThanOrEqual(70)
      }
      edge.freeze()
      const running = device.run({ crops: crops(0) }, { deadlineMs: 1500 })
      await edge.kill()
      const answer = await running
      expect(bytesOf(answer)).toEqual(expected[0])
      expect(classified(answer).host).toBe('device')
      expect(answer.fallback).toBeDefined()
      expect(answer.late).toBe(false)
    } finally {
      await device.close()
      await edge.kill()
    }
  })

  it('come out the same where agents that divide tasks place them', async () => {
    const { network: agents } = await loadAgents(trainedAgentsFolder('dag-ratio'))
    const pipeline = join(root, 'crops')
    const edge = await EdgeDaemon.start(root, ['--mqtt-port', '0'], 'pipelines')
    const broker = `mqtt://127.0.0.1:${edge.mqttPort}`
    const device = await connectPipeline({ id: 'cam-2', broker, pipeline, agents, deadlineMs: 5000 })
    try {
      expect(await device.waitForServer(20_000)).toBe(true)
      for (let run = 0; run < 5; run++) {
        const answer = await device.run({ crops: crops(run) })
        expect(answer.reason).toMatch(/^agents: /)
        expect(answer.fallback).toBeUndefined()
        expect(bytesOf(answer)).toEqual(expected[run])
      }
    } finally {
      await device.close()
      await edge.kill()
    }
  })
})
