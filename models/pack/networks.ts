import { cut } from '../onnx/cut.ts'
import type { Model } from '../onnx/graph.ts'
import { type CutCost, inspectModel, type ModelReport } from '../onnx/inspect.ts'
import { seededFeeds } from '../onnx/seeded-feeds.ts'
import { writeModel } from '../onnx/write.ts'
import type { Session } from '../runtime/session.ts'
import { packError } from './errors.ts'
import { checkMessageSize } from './message-size.ts'
import { describeNetwork, endsInSoftmax, isDistribution, type Network, withPortNames } from './network.ts'

/** A network cut in two, on paper. */
export interface CutNetwork {
  readonly network: Network
  readonly whole: Model
  readonly head: Model
  readonly tail: Model
  readonly at: CutCost
  /** Of what crosses, without the batch. */
  readonly latentDims: number[]
}

/**
 * Cuts a classifier of photos where a bundle can have it cut. Throws CANNOT_PACK, PAYLOAD_TOO_LARGE, and what `cut` and
 * `inspectModel` throw.
 */
export function cutNetwork(
  model: Model,
  tensor: string,
  shapes: Readonly<Record<string, readonly number[]>>,
  bits: readonly number[],
): CutNetwork {
  const report = inspectModel(model, shapes)
  const network = describeNetwork(report)
  const { head, tail } = cut(model, tensor)
  const at = report.cuts.find((point) => point.tensor === tensor)
  if (!at) {
    throw packError('CANNOT_PACK', `The shape of "${tensor}" cannot be told. ${report.notes[0] ?? ''}`.trim())
  }
  const [batch, ...latentDims] = at.dims
  if (at.dtype !== 'float32' || batch !== 1) {
    const what = `"${tensor}" is ${at.dtype} [${at.dims}]`
    throw packError(
      'CANNOT_PACK',
      `${what}; what crosses must be float32 with the batch first. Cut elsewhere.`,
    )
  }
  checkMessageSize(at, report.cuts, bits)
  return { network, whole: model, head, tail, at, latentDims }
}

/** The device's own network with the doors of the whole one. Throws CANNOT_PACK when it takes another input. */
export function localNetwork(model: Model, { input, output }: Network): Model {
  const report: ModelReport = inspectModel(model)
  const own = describeNetwork(report)
  if (`${own.input.dims}` !== `${input.dims}`) {
    throw packError(
      'CANNOT_PACK',
      `The local network takes [${own.input.dims}], the whole one [${input.dims}]: both get the same photo. Export it for that size.`,
    )
  }
  return withPortNames(model, input.name, output)
}

/** A network as it lies in the bundle, and opened. */
export interface OpenNetwork {
  readonly bytes: Uint8Array
  readonly macs: number
  readonly params: number
  readonly session: Session
}

/** Opens a model from the bytes that the bundle will hold. `dims` are those of its input, without the batch. */
export async function openNetwork(
  model: Model,
  dims: readonly number[],
  open: (bytes: Uint8Array) => Promise<Session>,
): Promise<OpenNetwork> {
  const { macs, parameters } = inspectModel(model, { [model.graph.inputs[0]!.name]: [1, ...dims] })
  const bytes = writeModel(model)
  return { bytes, macs, params: parameters, session: await open(bytes) }
}

export interface TrialAnswer {
  /** Without the batch. */
  readonly dims: readonly number[]
  readonly kind: 'logits' | 'probabilities'
}

/** What a network gives for a random input. Throws CANNOT_PACK when that is not one float32 tensor for one frame. */
export async function tryNetwork(
  model: Model,
  session: Session,
  inputDims: readonly number[],
): Promise<TrialAnswer> {
  const outputs = await session.run(seededFeeds(model, { [model.graph.inputs[0]!.name]: [1, ...inputDims] }))
  const { name } = model.graph.outputs[0]!
  const { dtype, dims, data } = outputs[name]!
  if (!(data instanceof Float32Array) || dims[0] !== 1) {
    throw packError(
      'CANNOT_PACK',
      `"${name}" is ${dtype} [${dims}] for one frame; it must be float32 [1,...].`,
    )
  }
  const kind = endsInSoftmax(model.graph) || isDistribution(data) ? 'probabilities' : 'logits'
  return { dims: dims.slice(1), kind }
}
