import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { float32Tensor, GraphBuilder, writeModel } from '@isthmus/models/onnx'
import type { Pipeline, PipelineDraft } from '@isthmus/models/pipeline'
import { writePipeline } from '@isthmus/models/pipeline/seal'

const weights = (count: number, seed: number) =>
  Float32Array.from({ length: count }, (_, at) => Math.sin(seed * 97 + at * 1.7))

/** y = tanh(x · w), [1, from] → [1, to]. */
function layer(from: number, to: number, seed: number): Uint8Array {
  const graph = new GraphBuilder('layer')
  const x = graph.input('x', 'float32', [1, from])
  const w = graph.constant(float32Tensor(weights(from * to, seed), [from, to]))
  graph.output(graph.op('Tanh', [graph.op('MatMul', [x, w])]), 'y')
  return writeModel(graph.build())
}

/** y = p · w + q, [1, 32] and [1, 32] → [1, 8]. */
function joint(): Uint8Array {
  const graph = new GraphBuilder('joint')
  const p = graph.input('p', 'float32', [1, 32])
  const q = graph.input('q', 'float32', [1, 32])
  const w = graph.constant(float32Tensor(weights(32 * 8, 5), [32, 8]))
  graph.output(graph.op('MatMul', [graph.op('Add', [p, q]), w]), 'y')
  return writeModel(graph.build())
}

const draft: PipelineDraft = {
  name: 'tiny',
  version: '1.0.0',
  inputs: { image: { dims: [1, 48] } },
  stages: [
    { id: 'detect', model: 'detect.onnx', inputs: { x: 'input.image' } },
    { id: 'crop', model: 'crop.onnx', inputs: { x: 'detect.y' } },
    { id: 'classify', model: 'classify.onnx', inputs: { p: 'crop.y', q: 'detect.y' } },
  ],
  outputs: { logits: 'classify.y', crops: 'crop.y' },
}

export interface TinyPipeline {
  readonly root: string
  readonly dir: string
  readonly pipeline: Pipeline
}

/** A pipeline of three small real models in a temporary folder: detect → crop → classify, which reads both. */
export async function writeTinyPipeline(): Promise<TinyPipeline> {
  const root = await mkdtemp(join(tmpdir(), 'isthmus-e2e-'))
  const dir = join(root, 'tiny')
  const pipeline = await writePipeline(dir, draft, {
    'detect.onnx': layer(48, 32, 1),
    'crop.onnx': layer(32, 32, 2),
    'classify.onnx': joint(),
  })
  return { root, dir, pipeline }
}
