import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node'
import { modelError } from '../errors.ts'
import { checkFeeds, isDType } from './feeds.ts'
import type { Session, SessionOptions, Tensor, TensorSpec } from './session.ts'

type OrtTensorConstructor = new (
  type: OrtTensor.Type,
  data: OrtTensor.DataType,
  dims: readonly number[],
) => OrtTensor

const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error)).trim()

/** ONNX Runtime throws plain errors without codes: here they get one. */
export const unreadable = (what: string, error: unknown) =>
  modelError('MODEL_UNREADABLE', `ONNX Runtime cannot load ${what}: ${reason(error)}.`, error)

/** What goes wrong is thrown, with its text; the runtime need not print it as well. */
const quiet = { logSeverityLevel: 4 } as const

/** The options that both builds of ONNX Runtime understand. Throws `BAD_OPTION`. */
export function ortOptions(options: SessionOptions): InferenceSession.SessionOptions {
  const threads = options.intraOpThreads ?? 1
  if (!Number.isInteger(threads) || threads < 1 || threads > 256) {
    throw modelError('BAD_OPTION', `intraOpThreads must be a whole number from 1 to 256, got ${threads}.`)
  }
  return {
    executionProviders: ['cpu'],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: options.graphOptimization ?? 'all',
    ...quiet,
    extra: { 'session.intra_op.allow_spinning': options.spinning ? '1' : '0' },
    ...(options.profile === undefined ? {} : { enableProfiling: true, profileFilePrefix: options.profile }),
  }
}

const specsOf = (metadata: readonly InferenceSession.ValueMetadata[]): TensorSpec[] =>
  metadata.map((value) => {
    if (!value.isTensor || !isDType(value.type)) {
      const kind = value.isTensor ? `a tensor of ${value.type}` : 'not a tensor'
      throw modelError('MODEL_UNREADABLE', `'${value.name}' is ${kind}, which Isthmus does not carry.`)
    }
    return { name: value.name, dtype: value.type, dims: [...value.shape] }
  })

/** A shared buffer is refused by the runtime, so it is copied; everything else is wrapped. */
const unshared = (data: Tensor['data']): Tensor['data'] =>
  data.buffer instanceof ArrayBuffer ? data : data.slice()

function toTensor(value: OrtTensor): Tensor {
  const { type, dims, data } = value as {
    type: Tensor['dtype']
    dims: readonly number[]
    data: Tensor['data']
  }
  // Newer engines get a Float16Array from the runtime: every engine's callers get the raw bits.
  const raw = type === 'float16' ? new Uint16Array(data.buffer, data.byteOffset, data.length) : data
  return { dtype: type, dims, data: raw }
}

/** A session over either build of ONNX Runtime, which share their API but not their `Tensor` class. */
export class OrtSession implements Session {
  readonly inputs: readonly TensorSpec[]
  readonly outputs: readonly TensorSpec[]
  readonly #ort: InferenceSession
  readonly #Tensor: OrtTensorConstructor
  readonly #profiled: boolean
  #last: Promise<unknown> = Promise.resolve()
  #disposed: Promise<void> | undefined

  constructor(ort: InferenceSession, Tensor: OrtTensorConstructor, profiled: boolean) {
    this.#ort = ort
    this.#Tensor = Tensor
    this.#profiled = profiled
    this.inputs = specsOf(ort.inputMetadata)
    this.outputs = specsOf(ort.outputMetadata)
  }

  #feed(dtype: Tensor['dtype'], data: Tensor['data'], dims: readonly number[]): OrtTensor {
    if (dtype !== 'float16') return new this.#Tensor(dtype, data, dims)
    // Where the engine has a Float16Array the constructor makes one of the bits, and the native part then reads
    // nothing of it (onnxruntime-node 1.30, Node 24 and later). So the bits go in as what they are.
    return Object.assign(new this.#Tensor('uint16', data, dims), { type: dtype })
  }

  async run(feeds: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>> {
    if (this.#disposed) throw modelError('SESSION_CLOSED', 'This session has been disposed of.')
    checkFeeds(this.inputs, feeds)
    const ortFeeds: Record<string, OrtTensor> = {}
    for (const { name } of this.inputs) {
      const { dtype, data, dims } = feeds[name]!
      ortFeeds[name] = this.#feed(dtype, unshared(data), dims)
    }
    const result = this.#last.then(() => this.#ort.run(ortFeeds, quiet))
    this.#last = result.catch(() => undefined)
    let fetched: InferenceSession.OnnxValueMapType
    try {
      fetched = await result
    } catch (error) {
      throw modelError('RUN_FAILED', `ONNX Runtime could not run the model: ${reason(error)}.`, error)
    }
    const outputs: Record<string, Tensor> = {}
    for (const { name } of this.outputs) outputs[name] = toTensor(fetched[name] as OrtTensor)
    return outputs
  }

  dispose(): Promise<void> {
    this.#disposed ??= this.#last.then(() => {
      if (this.#profiled) this.#ort.endProfiling()
      return this.#ort.release()
    })
    return this.#disposed
  }
}
