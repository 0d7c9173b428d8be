import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { float32Tensor, GraphBuilder, writeModel } from '@isthmus/models/onnx'
import type { Pipeline } from '@isthmus/models/pipeline'
import { writePipeline } from '@isthmus/models/pipeline/seal'

/** y = x · factor, [1, n]. */
function scaling(n: number, factor: number): Uint8Array {
  const graph = new GraphBuilder('scaling')
  const x = graph.input('x', 'float32', [1, n])
  graph.output(graph.op('Mul', [x, graph.scalar(factor)]), 'y')
  return writeModel(graph.build())
}

/** y = √x, [1, n] to [1, 1]: NaN for a sum below 0. */
function rootOfSum(n: number): Uint8Array {
  const graph = new GraphBuilder('root')
  const x = graph.input('x', 'float32', [1, n])
  const ones = graph.constant(float32Tensor(new Float32Array(n).fill(1), [n, 1]))
  graph.output(graph.op('Sqrt', [graph.op('MatMul', [x, ones])]), 'y')
  return writeModel(graph.build())
}

/** [1, 1] to [1, 40000]. */
function widening(): Uint8Array {
  const graph = new GraphBuilder('widening')
  const x = graph.input('x', 'float32', [1, 1])
  const ones = graph.constant(float32Tensor(new Float32Array(40_000).fill(1), [1, 40_000]))
  graph.output(graph.op('MatMul', [x, ones]), 'y')
  return writeModel(graph.build())
}

/** Stage numbers of `street`. */
export const STAGES = { double: 0, root: 1, wide: 2, lost: 3 } as const
/** Tensor numbers of `street`. */
export const TENSORS = { image: 0, doubled: 1, rooted: 2, widened: 3, lost: 4 } as const

/** A pipeline in a temporary folder: double → root → wide (too large to be sent), and a stage whose model is not there. */
export class PipelineFolder {
  readonly #root: string
  pipeline!: Pipeline

  private constructor(root: string) {
    this.#root = root
  }

  static async make(): Promise<PipelineFolder> {
    const folder = new PipelineFolder(mkdtempSync(join(tmpdir(), 'isthmus-pipelines-')))
    const draft = {
      name: 'street',
      version: '1.0.0',
      inputs: { image: { dims: [1, 4] } },
      stages: [
        { id: 'double', model: 'double.onnx', inputs: { x: 'input.image' } },
        { id: 'root', model: 'root.onnx', inputs: { x: 'double.y' } },
        { id: 'wide', model: 'wide.onnx', inputs: { x: 'root.y' } },
        { id: 'lost', model: 'lost.onnx', inputs: { x: 'double.y' } },
      ],
      outputs: { roots: 'root.y', wide: 'wide.y', lost: 'lost.y' },
    }
    folder.pipeline = await writePipeline(folder.street, draft, {
      'double.onnx': scaling(4, 2),
      'root.onnx': rootOfSum(4),
      'wide.onnx': widening(),
      'lost.onnx': scaling(4, 3),
    })
    rmSync(join(folder.street, 'lost.onnx'))
    return folder
  }

  /** The folder of all pipelines. */
  get all(): string {
    return this.#root
  }

  get street(): string {
    return join(this.#root, 'street')
  }

  remove(): void {
    rmSync(this.#root, { recursive: true })
  }
}
