import { IsthmusError } from '@isthmus/proto'
import type { Model, ValueInfo } from '../onnx/graph.ts'
import { inspectModel } from '../onnx/inspect.ts'
import { readModel } from '../onnx/read.ts'
import { seededFeeds } from '../onnx/seeded-feeds.ts'
import { openSession } from '../runtime/node.ts'
import type { Tensor } from '../runtime/session.ts'

/** An input or output. */
export interface Port {
  readonly name: string
  /** Without the batch. */
  readonly dims: readonly number[]
}

/** What a model is to take, and to give. */
export interface Ports {
  readonly takes: Port
  readonly gives: Port
}

const show = ({ name, dims }: Port): string => `"${name}" [${dims}]`

/** Says how a model's one input or output differs from what the manifest says of it. */
function fault(what: string, actual: readonly ValueInfo[], wanted: Port): string | undefined {
  const [value, second] = actual
  if (!value || second) return `has ${actual.length} ${what}s, the manifest knows one: ${show(wanted)}`
  if (value.dtype !== 'float32')
    return `has the ${what} "${value.name}" in ${value.dtype}, devices and servers use float32`
  const dims = value.dims?.slice(1)
  const fits =
    dims === undefined ||
    (dims.length === wanted.dims.length &&
      dims.every((dim, i) => typeof dim !== 'number' || dim === wanted.dims[i]))
  if (value.name === wanted.name && fits) return undefined
  return `has the ${what} "${value.name}" [${dims?.map((dim) => dim ?? '?')}], the manifest says ${show(wanted)}`
}

/** Runs one frame through a model; says what is wrong with the answer. */
async function trial(bytes: Uint8Array, model: Model, takes: Port, gives: Port): Promise<string | undefined> {
  const session = await openSession(bytes)
  try {
    const outputs = await session.run(seededFeeds(model, { [takes.name]: [1, ...takes.dims] }))
    const answer = outputs[gives.name] as Tensor
    if (`${answer.dims}` !== `${[1, ...gives.dims]}`) {
      return `gives "${gives.name}" [${answer.dims}] for one frame, the manifest says [1,${gives.dims}]`
    }
    const finite = answer.data.every((value: number | bigint) => Number.isFinite(Number(value)))
    return finite ? undefined : `gives NaN or infinity for a random input`
  } finally {
    await session.dispose()
  }
}

/** What is wrong with one model or decoder of a bundle; how many multiply-adds it has is checked only where that is said. */
export async function faultsOf(
  bytesOf: () => Uint8Array,
  macs: number | undefined,
  { takes, gives }: Ports,
): Promise<string[]> {
  try {
    const bytes = bytesOf()
    const model = readModel(bytes)
    const { inputs, outputs } = model.graph
    const doors = [fault('input', inputs, takes), fault('output', outputs, gives)].filter(Boolean)
    if (doors.length > 0) return doors as string[]
    const answer = await trial(bytes, model, takes, gives)
    if (macs === undefined) return answer === undefined ? [] : [answer]
    const counted = inspectModel(model, { [takes.name]: [1, ...takes.dims] }).macs
    const miscounted =
      counted === macs ? undefined : `does ${counted} multiply-adds, the manifest says ${macs}`
    return [answer, miscounted].filter((reason) => reason !== undefined)
  } catch (error) {
    if (!(error instanceof IsthmusError)) throw error
    return [`cannot be used: ${error.message}`]
  }
}
