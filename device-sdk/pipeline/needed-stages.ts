import type { Wiring } from '@isthmus/models/pipeline'

/** The stages whose results are wanted and not known, and those that they wait for. `known`: by tensor number. */
export function neededStages(
  { tensors, stages, outputs }: Wiring,
  known: { has(tensor: number): boolean },
): Set<number> {
  const needed = new Set<number>()
  const want = (tensor: number): void => {
    const { stage } = tensors[tensor]!
    if (known.has(tensor) || needed.has(stage)) return
    needed.add(stage)
    for (const input of stages[stage]!.inputs) want(input.tensor)
  }
  for (const { tensor } of outputs) want(tensor)
  return needed
}
