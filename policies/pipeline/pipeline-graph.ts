import { type Pipeline, payloadBytesOf, type WiredStage, type Wiring } from '@isthmus/models/pipeline'
import type { Dependency, TaskGraph } from '../dag/index.ts'

/** What placing needs of a pipeline. */
export type PipelineForm = Pick<Pipeline, 'manifest' | 'wiring'>

/** Bits of some tensors as they cross. */
const bitsOf = ({ tensors }: Wiring, numbers: Iterable<number>): number => {
  let bytes = 0
  for (const number of numbers) bytes += payloadBytesOf(tensors[number]!)
  return 8 * bytes
}

const makerOf = ({ tensors }: Wiring, tensor: number): number => tensors[tensor]!.stage

/** The tensors that a stage reads, by who makes them (-1: the pipeline's inputs), each once. */
function readBy(wiring: Wiring, { inputs }: WiredStage): Map<number, Set<number>> {
  const read = new Map<number, Set<number>>()
  for (const { tensor } of inputs) {
    const maker = makerOf(wiring, tensor)
    read.set(maker, (read.get(maker) ?? new Set()).add(tensor))
  }
  return read
}

/**
 * A pipeline as a graph of tasks, one a stage, in the manifest's order. A multiply-add counts as a cycle; bits are those of the
 * tensors as they cross, without the messages around them.
 */
export function pipelineGraph({ manifest, wiring }: PipelineForm): TaskGraph {
  const wanted = new Set(wiring.outputs.map(({ tensor }) => tensor))
  return {
    name: `${manifest.name}@${manifest.version}`,
    tasks: wiring.stages.map((stage) => {
      const read = readBy(wiring, stage)
      const after: Dependency[] = []
      for (const [maker, tensors] of read) {
        if (maker >= 0) after.push({ task: wiring.stages[maker]!.id, bits: bitsOf(wiring, tensors) })
      }
      return {
        id: stage.id,
        cycles: stage.macs,
        inputBits: bitsOf(wiring, read.get(-1) ?? []),
        outputBits: bitsOf(
          wiring,
          stage.outputs.flatMap(({ number }) => (wanted.has(number) ? [number] : [])),
        ),
        after,
        ...(stage.division && { divisible: true }),
      }
    }),
  }
}
