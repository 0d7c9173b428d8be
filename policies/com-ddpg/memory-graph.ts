import { float32Tensor, type GraphBuilder } from '@isthmus/models/onnx'
import { fixed } from './stop-gradient.ts'

export interface MemorySize {
  readonly steps: number
  readonly rows: number
  readonly places: number
  readonly width: number
  /** Steps at the beginning through which no gradient goes back. */
  readonly burnIn: number
}

/**
 * Writes a long short-term memory (Hochreiter and Schmidhuber 1997, with forget gate) over time, unrolled: training goes back
 * through all its steps. Gates in the order input, forget, output, candidate.
 *
 * @param state name of the weight `[width, 4·width]`
 * @param gates value `[steps, rows, places, 4·width]`: what the input gives to the gates, bias included
 * @param counts value `[steps, rows, 1, 1]`: 0 where a step changes nothing
 * @returns value `[steps, rows, places, width]`
 */
export function writeMemory(
  g: GraphBuilder,
  state: string,
  gates: string,
  counts: string,
  { steps, rows, places, width, burnIn }: MemorySize,
): string {
  const op = (name: string, ...inputs: string[]) => g.op(name, inputs)
  const zeros = () =>
    g.constant(float32Tensor(new Float32Array(rows * places * width), [1, rows, places, width]))
  const at = (value: string, axis: number, from: number, to: number) =>
    op('Slice', value, g.ints([from]), g.ints([to]), g.ints([axis]))
  let hidden = zeros()
  let cell = zeros()
  const outputs: string[] = []
  for (let step = 0; step < steps; step++) {
    if (step === burnIn && step > 0) {
      hidden = fixed(g, hidden)
      cell = fixed(g, cell)
    }
    const sum = op('Add', at(gates, 0, step, step + 1), op('MatMul', hidden, state))
    const open = op('Sigmoid', at(sum, 3, 0, 3 * width))
    const candidate = op('Tanh', at(sum, 3, 3 * width, 4 * width))
    const gate = (k: number) => at(open, 3, k * width, (k + 1) * width)
    const next = op('Add', op('Mul', gate(1), cell), op('Mul', gate(0), candidate))
    const now = at(counts, 0, step, step + 1)
    const keep = (old: string, changed: string) => op('Add', old, op('Mul', now, op('Sub', changed, old)))
    const told = op('Mul', gate(2), op('Tanh', next))
    cell = keep(cell, next)
    hidden = keep(hidden, told)
    outputs.push(hidden)
  }
  return g.op('Concat', outputs, { axis: 0 })
}
