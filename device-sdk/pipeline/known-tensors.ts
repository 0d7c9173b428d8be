import type { StageArray, Wiring } from '@isthmus/models/pipeline'

/** The tensors of a run that are there, and which stages the others still take. */
export class KnownTensors {
  readonly #wiring: Wiring
  readonly #arrays = new Map<number, StageArray>()
  /** Until something new is known. */
  #needed: ReadonlySet<number> | undefined

  /** `inputs`: by tensor number, from 0 on. */
  constructor(wiring: Wiring, inputs: readonly StageArray[]) {
    this.#wiring = wiring
    for (const [tensor, array] of inputs.entries()) this.#arrays.set(tensor, array)
  }

  get(tensor: number): StageArray | undefined {
    return this.#arrays.get(tensor)
  }

  has(tensor: number): boolean {
    return this.#arrays.has(tensor)
  }

  hasAll(tensors: readonly number[]): boolean {
    return tensors.every((tensor) => this.#arrays.has(tensor))
  }

  add(tensor: number, array: StageArray): void {
    this.#arrays.set(tensor, array)
    this.#needed = undefined
  }

  /** The stages whose results are wanted and not known, and those that they wait for. */
  get needed(): ReadonlySet<number> {
    this.#needed ??= this.#stagesNeeded()
    return this.#needed
  }

  #stagesNeeded(): Set<number> {
    const { tensors, stages, outputs } = this.#wiring
    const needed = new Set<number>()
    const want = (tensor: number): void => {
      const { stage } = tensors[tensor]!
      if (this.#arrays.has(tensor) || needed.has(stage)) return
      needed.add(stage)
      for (const input of stages[stage]!.inputs) want(input.tensor)
    }
    for (const { tensor } of outputs) want(tensor)
    return needed
  }
}
