import { pipelineError } from './errors.ts'
import type { PipelineDraft, PipelineManifest } from './manifest.ts'
import { commonRows, type StageDivision } from './rows.ts'
import { countOf, type StageType, stageArrays } from './tensor-form.ts'

/** A tensor of a pipeline. They are numbered: the pipeline's inputs first, then each stage's outputs, as the manifest lists them. */
export interface WiredTensor {
  readonly number: number
  /** `input.name` or `stageId.output` */
  readonly reference: string
  /** Name of the input, or of the model's output. */
  readonly name: string
  readonly dtype: StageType
  readonly dims: readonly number[]
  readonly count: number
  /** Number of the stage that makes it; -1: an input of the pipeline. */
  readonly stage: number
  /** Crosses with 8 bits an element. */
  readonly coded: boolean
}

export interface WiredStage {
  readonly number: number
  readonly id: string
  readonly serverOnly: boolean
  readonly macs: number
  /** Each input of the model, and the number of the tensor that it is fed. */
  readonly inputs: readonly { readonly name: string; readonly tensor: number }[]
  /** Tensors that it makes. */
  readonly outputs: readonly WiredTensor[]
  /** Of a stage whose rows may be divided between device and server. */
  readonly division?: StageDivision
}

/** A pipeline as numbers: who makes which tensor, and who reads it. */
export interface Wiring {
  readonly tensors: readonly WiredTensor[]
  readonly stages: readonly WiredStage[]
  /** Stage numbers, none before one that it waits for. */
  readonly order: readonly number[]
  readonly inputs: readonly WiredTensor[]
  readonly outputs: readonly { readonly name: string; readonly tensor: number }[]
}

/** `stage` and `output` of a reference: only the first dot separates, since outputs of models have dots, too. */
export function splitReference(reference: string): { readonly stage: string; readonly output: string } {
  const dot = reference.indexOf('.')
  return { stage: reference.slice(0, dot), output: reference.slice(dot + 1) }
}

/**
 * Stage numbers in an order in which none comes before one that it waits for (Kahn 1962). Throws `BAD_PIPELINE` for two
 * stages of one name, `PIPELINE_UNKNOWN_STAGE`, `PIPELINE_CYCLE` naming the stages of a cycle.
 */
export function stageOrder(stages: Pick<PipelineDraft, 'stages'>['stages']): number[] {
  const numbers = new Map<string, number>()
  for (const [at, { id }] of stages.entries()) {
    if (numbers.has(id)) throw pipelineError('BAD_PIPELINE', `stages[${at}].id: '${id}' is another's, too.`)
    numbers.set(id, at)
  }
  const before = stages.map(({ id, inputs }) => {
    const waitsFor = new Set<number>()
    for (const [input, reference] of Object.entries(inputs)) {
      const { stage } = splitReference(reference)
      if (stage === 'input') continue
      const number = numbers.get(stage)
      if (number === undefined) throw unknownStage(`input '${input}' of stage '${id}'`, reference)
      waitsFor.add(number)
    }
    return waitsFor
  })
  const order: number[] = []
  const done = new Set<number>()
  for (;;) {
    const next = before.findIndex((waits, at) => !done.has(at) && [...waits].every((one) => done.has(one)))
    if (next < 0) break
    done.add(next)
    order.push(next)
  }
  if (order.length === stages.length) return order
  const path: number[] = []
  let at = before.findIndex((_, one) => !done.has(one))
  while (!path.includes(at)) {
    path.push(at)
    at = [...before[at]!].find((one) => !done.has(one))!
  }
  const cycle = path.slice(path.indexOf(at)).reverse()
  const names = [...cycle, cycle[0]!].map((one) => stages[one]!.id)
  throw pipelineError('PIPELINE_CYCLE', `These stages wait for each other: ${names.join(' → ')}.`)
}

const unknownStage = (who: string, reference: string) =>
  pipelineError('PIPELINE_UNKNOWN_STAGE', `The ${who} is '${reference}', but there is no such stage.`)

/** The wiring of a sealed manifest. Throws as {@link stageOrder} does, `PIPELINE_UNKNOWN_TENSOR`, `BAD_PIPELINE`. */
export function wiringOf({ inputs, stages, outputs, coded = [] }: PipelineManifest): Wiring {
  const order = stageOrder(stages)
  const tensors: WiredTensor[] = []
  const add = (
    prefix: string,
    name: string,
    form: { dtype: StageType; dims: readonly number[] },
    stage: number,
  ) => {
    const reference = `${prefix}.${name}`
    const { dtype, dims } = form
    const number = tensors.length
    const tensor = {
      number,
      reference,
      name,
      dtype,
      dims,
      count: countOf(form),
      stage,
      coded: coded.includes(reference),
    }
    tensors.push(tensor)
    return tensor
  }
  const wiredInputs = Object.entries(inputs).map(([name, form]) => add('input', name, form, -1))
  const made = stages.map(({ id, outputs }, stage) =>
    Object.entries(outputs).map(([name, form]) => add(id, name, form, stage)),
  )
  const ids = new Set(['input', ...stages.map(({ id }) => id)])
  const numbers = new Map(tensors.map(({ reference, number }) => [reference, number]))
  const find = (who: string, reference: string): number => {
    const number = numbers.get(reference)
    if (number !== undefined) return number
    const { stage, output } = splitReference(reference)
    if (!ids.has(stage)) throw unknownStage(who, reference)
    const owner = stage === 'input' ? 'the pipeline has no input' : `stage '${stage}' has no output`
    throw pipelineError('PIPELINE_UNKNOWN_TENSOR', `The ${who} is '${reference}', but ${owner} '${output}'.`)
  }
  for (const [at, reference] of coded.entries()) {
    const { dtype } = tensors[find(`entry coded[${at}]`, reference)]!
    if (dtype !== 'float32') {
      throw pipelineError(
        'BAD_PIPELINE',
        `coded[${at}]: '${reference}' is ${dtype}; only float32 can be coded.`,
      )
    }
  }
  const wiring = {
    tensors,
    order,
    inputs: wiredInputs,
    stages: stages.map(({ id, macs, serverOnly = false, inputs, divisible, leastRows }, number) => {
      const stage = {
        number,
        id,
        macs,
        serverOnly,
        inputs: Object.entries(inputs).map(([name, reference]) => ({
          name,
          tensor: find(`input '${name}' of stage '${id}'`, reference),
        })),
        outputs: made[number]!,
      }
      return divisible ? { ...stage, division: divisionOf(stage, tensors, leastRows!) } : stage
    }),
    outputs: Object.entries(outputs).map(([name, reference]) => ({
      name,
      tensor: find(`output '${name}' of the pipeline`, reference),
    })),
  }
  refuseDeadStages(wiring)
  return wiring
}

function divisionOf(
  { id, serverOnly, inputs, outputs }: WiredStage,
  tensors: readonly WiredTensor[],
  leastRows: number,
): StageDivision {
  if (serverOnly)
    throw pipelineError(
      'BAD_PIPELINE',
      `Stage '${id}' is for servers only: there is no device to divide it with.`,
    )
  const rows = commonRows(id, [...inputs.map(({ tensor }) => tensors[tensor]!), ...outputs])
  if (2 * leastRows <= rows) return { rows, leastRows }
  throw pipelineError('BAD_PIPELINE', `Stage '${id}': two parts of ${leastRows} rows are more than ${rows}.`)
}

/** A stage of which nothing reaches an output would be run for nothing, or waited for in vain. */
function refuseDeadStages({ tensors, stages, order, outputs }: Wiring): void {
  const live = new Set(outputs.map(({ tensor }) => tensors[tensor]!.stage))
  for (const at of order.toReversed()) {
    const { id, inputs } = stages[at]!
    if (!live.has(at)) {
      throw pipelineError(
        'BAD_PIPELINE',
        `stages[${at}]: nothing of '${id}' reaches an output of the pipeline.`,
      )
    }
    for (const { tensor } of inputs) live.add(tensors[tensor]!.stage)
  }
}

/** Bytes of one element. */
export const elementBytes = ({ dtype }: Pick<WiredTensor, 'dtype'>): number =>
  stageArrays[dtype].BYTES_PER_ELEMENT
