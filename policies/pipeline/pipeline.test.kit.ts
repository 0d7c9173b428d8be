import { parsePipeline } from '@isthmus/models/pipeline'
import type { PipelineForm } from './pipeline-graph.ts'

export interface StageSketch {
  readonly id: string
  /** Stages that it reads, each one's output `y`; `input`: the pipeline's input. */
  readonly reads: readonly string[]
  readonly serverOnly?: boolean
  /** May be divided in so many rows; all of what it reads has as many. */
  readonly rows?: number
  /** Elements of its output. */
  readonly size?: number
  readonly macs?: number
}

const files = { 'm.onnx': { sha256: '0'.repeat(64), bytes: 1 } }

/** A pipeline without models: what it gives is the output of the stages named. */
export function sketch(
  stages: readonly StageSketch[],
  outputs: readonly string[],
  extra: object = {},
): PipelineForm {
  return parsePipeline({
    name: 'sketch',
    version: '1.0.0',
    inputs: { x: { dims: stages[0]!.rows ? [stages[0]!.rows, 100 / stages[0]!.rows] : [100] } },
    stages: stages.map(({ id, reads, serverOnly, rows, size = 10, macs = 1000 }) => ({
      id,
      model: 'm.onnx',
      inputs: Object.fromEntries(
        reads.map((from, at) => [`in${at}`, from === 'input' ? 'input.x' : `${from}.y`]),
      ),
      outputs: { y: { dims: rows ? [rows, size / rows] : [size] } },
      macs,
      ...(serverOnly ? { serverOnly } : {}),
      ...(rows ? { divisible: true, leastRows: 1 } : {}),
    })),
    outputs: Object.fromEntries(outputs.map((id) => [id, `${id}.y`])),
    files,
    ...extra,
  })
}

export const row: PipelineForm = sketch(
  [
    { id: 'a', reads: ['input'] },
    { id: 'b', reads: ['a'] },
    { id: 'c', reads: ['b'] },
  ],
  ['c'],
)
