import type { Session, Tensor } from '../runtime/session.ts'
import { pipelineError } from './errors.ts'
import { tensorOfRows } from './rows.ts'
import { describeForm, hasForm, type StageArray } from './tensor-form.ts'
import type { WiredStage, Wiring } from './wiring.ts'

type Form = { readonly dtype: string; readonly dims: readonly (number | string)[] }

/**
 * Compares what a stage is fed with what its model declares. Throws `BAD_PIPELINE` for an input that is missing or too much,
 * `PIPELINE_MISMATCH` naming stage, input and both forms.
 */
export function checkStageInputs(
  id: string,
  fed: ReadonlyMap<string, Form>,
  { inputs }: Pick<Session, 'inputs'>,
): void {
  const names = inputs.map(({ name }) => name)
  for (const name of fed.keys()) {
    if (names.includes(name)) continue
    const has = names.join(', ') || 'none'
    throw pipelineError(
      'BAD_PIPELINE',
      `Stage '${id}': the model has no input '${name}'; its inputs are: ${has}.`,
    )
  }
  for (const spec of inputs) {
    const form = fed.get(spec.name)
    if (!form) {
      throw pipelineError(
        'BAD_PIPELINE',
        `Stage '${id}': the model's input '${spec.name}' is fed by nothing.`,
      )
    }
    const open = spec.dims.length === 0
    const fits =
      open ||
      (spec.dims.length === form.dims.length &&
        spec.dims.every((dim, axis) => typeof dim === 'string' || dim === form.dims[axis]))
    if (spec.dtype === form.dtype && fits) continue
    throw pipelineError(
      'PIPELINE_MISMATCH',
      `Stage '${id}': input '${spec.name}' takes ${describeForm(spec)}, but it is fed ${describeForm(form)}.`,
    )
  }
}

/** The model of one stage, opened: takes and gives exactly the tensors that the manifest names. */
export class StageModel {
  readonly #session: Session
  readonly #wiring: Wiring
  readonly #stage: WiredStage

  /** Throws as {@link checkStageInputs} does; the session stays the caller's then. */
  constructor(session: Session, wiring: Wiring, stage: number) {
    this.#session = session
    this.#wiring = wiring
    this.#stage = wiring.stages[stage]!
    const fed = this.#stage.inputs.map(({ name, tensor }) => [name, wiring.tensors[tensor]!] as const)
    checkStageInputs(this.#stage.id, new Map(fed), session)
  }

  /**
   * Runs the stage; `arrayOf` gives the tensor of a number. Returns the stage's outputs in their order. Throws
   * `PIPELINE_MISMATCH` when the model gives something else than the manifest says, and what running throws.
   *
   * @param rows of a stage that may be divided: how many rows the arrays hold; 0: all
   */
  async run(arrayOf: (tensor: number) => StageArray, rows = 0): Promise<StageArray[]> {
    const feeds: Record<string, Tensor> = {}
    for (const { name, tensor } of this.#stage.inputs) {
      const { dtype, dims } = tensorOfRows(this.#wiring.tensors[tensor]!, rows)
      feeds[name] = { dtype, dims, data: arrayOf(tensor) }
    }
    const results = await this.#session.run(feeds)
    return this.#stage.outputs.map((output) => {
      const form = tensorOfRows(output, rows)
      const result = results[form.name]
      if (result && hasForm(result, form)) return result.data as StageArray
      const given = result ? describeForm(result) : 'nothing'
      throw pipelineError(
        'PIPELINE_MISMATCH',
        `Stage '${this.#stage.id}': output '${form.name}' is ${given}, the manifest says ${describeForm(form)}.`,
      )
    })
  }

  dispose(): Promise<void> {
    return this.#session.dispose()
  }
}
