import {
  parsePipeline,
  payloadLayout,
  payloadParts,
  readPayload,
  type StageArray,
  tensorOfRows,
  type Wiring,
} from '@isthmus/models/pipeline'
import type { Session, Tensor } from '@isthmus/models/runtime'
import { raspberryPiPower } from '@isthmus/policies'
import { type PipelinePolicy, planningPolicy, type StageHost } from '@isthmus/policies/pipeline'
import {
  type BodyFields,
  clockUs32,
  decodeMessage,
  encodeMessage,
  IsthmusError,
  MAX_MESSAGE_BYTES,
  type Message,
  topic,
  wireErrors,
} from '@isthmus/proto'
import { ServerLink } from '../server-link.ts'
import type { Transport, TransportHandlers } from '../transport.ts'
import { VirtualClock } from '../world.test.kit.ts'
import { DevicePipeline } from './device-pipeline.ts'

export const KEY = 0x5eed

export interface Sketch {
  readonly id: string
  /** Stages whose output it reads; `input`: the pipeline's. */
  readonly reads: readonly string[]
  readonly serverOnly?: boolean
  readonly size?: number
  /** May be divided in so many rows; all of what it reads has as many. */
  readonly rows?: number
  /** On the device, in virtual ms. Default 10. */
  readonly deviceMs?: number
  /** Of that, what any number of rows takes. Default 0. */
  readonly anyRowsMs?: number
  /** On the server, in virtual ms. Default 2. */
  readonly edgeMs?: number
}

/** a → b → c, 40 ms on the device, 6 on the server. */
export const row: readonly Sketch[] = [
  { id: 'a', reads: ['input'], deviceMs: 5 },
  { id: 'b', reads: ['a'], deviceMs: 15 },
  { id: 'c', reads: ['b'], deviceMs: 20 },
]

export interface PipelineWorldOptions {
  readonly stages?: readonly Sketch[]
  /** Stages whose results are the answer. Default: the last one. */
  readonly outputs?: readonly string[]
  readonly coded?: readonly string[]
  readonly inputSize?: number
  /** Rows of the input. Default: it has none. */
  readonly inputRows?: number
  readonly placement?: Readonly<Record<string, StageHost>>
  readonly policy?: PipelinePolicy
  readonly deadlineMs?: number
  readonly hedgeMarginMs?: number
  readonly credits?: number
  readonly rttMs?: number
  readonly rateBps?: number
  readonly maxMessageBytes?: number
  /** What the server says that it takes, in µs, in place of the truth. */
  readonly saysUs?: readonly number[]
  /** What it says that a request would wait. */
  readonly waitUs?: number
  readonly key?: number
}

/** The same row by row. */
function madeByRows(stage: number, inputs: readonly StageArray[], size: number, rows: number): Float32Array {
  const result = new Float32Array(size)
  for (let row = 0; row < rows; row++) {
    const own = inputs.map((input) => {
      const width = input.length / rows
      return input.subarray(row * width, (row + 1) * width)
    })
    result.set(made(stage, own, size / rows), (row * size) / rows)
  }
  return result
}

/** What a stage makes of its inputs: something that depends on all of them, and on the stage. */
function made(stage: number, inputs: readonly StageArray[], size: number): Float32Array {
  const result = new Float32Array(size)
  for (let at = 0; at < size; at++) {
    let sum = stage + 1
    for (const input of inputs) sum += 0.5 * Number(input[at % input.length])
    result[at] = sum
  }
  return result
}

/** A device with a pipeline, a shaped link and a server, all in virtual time. */
export class PipelineWorld implements Transport {
  readonly clock = new VirtualClock()
  readonly device: DevicePipeline
  readonly link: ServerLink
  readonly wiring: Wiring
  readonly options: Required<Omit<PipelineWorldOptions, 'policy' | 'saysUs'>> &
    Pick<PipelineWorldOptions, 'policy' | 'saysUs'>
  /** Requests as the server saw them. */
  readonly requests: Message[] = []
  /** Stages that the device has run, since it was ready. */
  readonly ranHere: string[] = []
  /** And how many rows of those that may be divided, run by run. */
  readonly rowsHere: number[] = []
  /** Stages that fail on the device from now on, and how. */
  readonly failing = new Map<string, IsthmusError>()
  loseRequests = false
  loseReplies = false
  /** Changes what the server answers; nothing: it keeps quiet. */
  spoil: (
    body: BodyFields,
    payload: Uint8Array,
  ) => readonly [BodyFields, Uint8Array] | Uint8Array | undefined = (body, payload) => [body, payload]
  /** Another answer in place of the right one. */
  refuse: keyof typeof wireErrors | undefined
  epoch = 77
  #handlers: TransportHandlers | undefined
  #online = false
  #uplinkFreeAtMs = 0
  #serverFreeAtMs = 0
  readonly #retained = new Map<string, Uint8Array>()

  constructor(options: PipelineWorldOptions = {}) {
    const stages = options.stages ?? row
    this.options = {
      outputs: [stages.at(-1)!.id],
      coded: [],
      inputSize: 8,
      inputRows: 0,
      placement: {},
      deadlineMs: 100,
      hedgeMarginMs: 5,
      credits: 4,
      rttMs: 10,
      rateBps: 1e6,
      maxMessageBytes: MAX_MESSAGE_BYTES,
      waitUs: 0,
      key: KEY,
      ...options,
      stages,
    }
    const { outputs, coded, inputSize, inputRows, credits, policy, placement, deadlineMs, hedgeMarginMs } =
      this.options
    const { manifest, wiring } = parsePipeline({
      name: 'tiny',
      version: '1.0.0',
      inputs: { x: { dims: inputRows > 0 ? [inputRows, inputSize / inputRows] : [inputSize] } },
      stages: stages.map(({ id, reads, size = 8, rows, serverOnly = false }) => ({
        ...{ id, model: 'm.onnx', macs: 1, serverOnly },
        ...(rows && { divisible: true, leastRows: 1 }),
        inputs: Object.fromEntries(
          reads.map((from, at) => [`in${at}`, from === 'input' ? 'input.x' : `${from}.y`]),
        ),
        outputs: { y: { dims: rows ? [rows, size / rows] : [size] } },
      })),
      outputs: Object.fromEntries(outputs.map((id) => [id, `${id}.y`])),
      coded,
      files: { 'm.onnx': { sha256: '0'.repeat(64), bytes: 1 } },
    })
    this.wiring = wiring
    const offer = { kind: 'pipeline', name: 'tiny', version: '1.0.0', key: KEY } as const
    const probe = { intervalMs: 1000, largeBytes: 1024 }
    const identity = { site: 'test', id: 'cam-1', boot: 9, software: 'test' }
    this.link = new ServerLink(this, this.clock, { ...identity, offer, credits, probe })
    this.device = new DevicePipeline({
      pipeline: { manifest, wiring, key: KEY, id: 'tiny@1.0.0' },
      open: (stage) => (stages[stage]!.serverOnly ? undefined : async () => this.#session(stage)),
      link: this.link,
      policy: policy ?? planningPolicy(),
      placement,
      clock: this.clock,
      deadlineMs,
      hedgeMarginMs,
      power: raspberryPiPower,
    })
  }

  /** A started device; with `server`, also a broker, a server and a measured link. */
  static async create(options: PipelineWorldOptions = {}, server = true): Promise<PipelineWorld> {
    const world = new PipelineWorld(options)
    await world.clock.until(world.device.start())
    world.ranHere.length = 0
    world.rowsHere.length = 0
    if (server) {
      world.connect()
      world.announce()
      await world.clock.advance(300)
    }
    return world
  }

  get input(): { x: Float32Array } {
    return { x: Float32Array.from({ length: this.options.inputSize }, (_, at) => Math.sin(at)) }
  }

  run(options = {}) {
    return this.clock.until(this.device.run(this.input, options))
  }

  /** The right answer. */
  expected(): Record<string, Float32Array> {
    const known = new Map<number, StageArray>([[0, this.input.x]])
    for (const stage of this.wiring.order) this.#compute(stage, known, 0)
    return Object.fromEntries(
      this.wiring.outputs.map(({ name, tensor }) => [name, known.get(tensor) as Float32Array]),
    )
  }

  #compute(stage: number, known: Map<number, StageArray>, rows: number): void {
    const { inputs, outputs } = this.wiring.stages[stage]!
    const read = inputs.map(({ tensor }) => known.get(tensor)!)
    known.set(outputs[0]!.number, this.#made(stage, read, rows))
  }

  #made(stage: number, read: readonly StageArray[], rows: number): Float32Array {
    const { outputs, division } = this.wiring.stages[stage]!
    const { count } = tensorOfRows(outputs[0]!, rows)
    return division ? madeByRows(stage, read, count, rows || division.rows) : made(stage, read, count)
  }

  #session(stage: number): Session {
    const { id, inputs, outputs, division } = this.wiring.stages[stage]!
    const forms = inputs.map(({ name, tensor }) => ({ ...this.wiring.tensors[tensor]!, name }))
    return {
      inputs: forms.map(({ name, dtype, dims }) => ({
        name,
        dtype,
        dims: division ? ['N', ...dims.slice(1)] : dims,
      })),
      outputs: outputs.map(({ name, dtype, dims }) => ({ name, dtype, dims })),
      run: (feeds) => {
        this.ranHere.push(id)
        const failure = this.failing.get(id)
        // What may go well the next time does.
        if (failure?.retryable) this.failing.delete(id)
        if (failure) return Promise.reject(failure)
        const read = forms.map(({ name }) => feeds[name]!.data as StageArray)
        const all = division?.rows ?? 0
        const rows = division ? feeds[forms[0]!.name]!.dims[0]! : 0
        if (division) this.rowsHere.push(rows)
        const { dtype, dims } = tensorOfRows(outputs[0]!, rows)
        const y: Tensor = { dtype, dims, data: this.#made(stage, read, rows) }
        const { deviceMs = 10, anyRowsMs = 0 } = this.options.stages[stage]!
        const ms = division ? anyRowsMs + ((deviceMs - anyRowsMs) * rows) / all : deviceMs
        return new Promise((resolve) => {
          this.clock.setTimeout(() => resolve({ y }), ms)
        })
      },
      dispose: async () => {},
    }
  }

  // The broker.

  start(handlers: TransportHandlers): void {
    this.#handlers = handlers
  }

  connect(): void {
    this.#online = true
    this.#handlers!.onOnline()
  }

  disconnect(): void {
    this.#online = false
    this.#handlers!.onOffline()
  }

  subscribe(filters: readonly string[]): void {
    for (const filter of filters) {
      const packet = this.#retained.get(filter)
      if (packet) this.#deliver(filter, packet)
    }
  }

  publish(name: string, packet: Uint8Array): boolean {
    if (!this.#online) return false
    if (!name.endsWith('/infer')) return true
    const { rateBps, rttMs } = this.options
    const nowMs = this.clock.now()
    this.#uplinkFreeAtMs = Math.max(this.#uplinkFreeAtMs, nowMs) + (8000 * packet.length) / rateBps
    const arriveMs = this.#uplinkFreeAtMs + rttMs / 2 - nowMs
    if (!this.loseRequests) this.clock.setTimeout(() => this.#atServer(packet), arriveMs)
    return true
  }

  async close(): Promise<void> {
    this.#online = false
  }

  // The server.

  announce(presence: 'online' | 'draining' | 'offline' = 'online'): void {
    const { stages, saysUs, maxMessageBytes, waitUs, key } = this.options
    const stageUs = saysUs ?? stages.map(({ edgeMs = 2 }) => edgeMs * 1000)
    const birth: BodyFields = {
      ...{ kind: 'birth', software: 'test', epoch: this.epoch, maxMessageBytes },
      pipelines: [{ name: 'tiny', version: '1.0.0', key, stageUs }],
    }
    const envelope = { boot: this.epoch }
    if (presence === 'online') this.#retain('birth', encodeMessage({ envelope, body: birth }))
    this.#retain('state', encodeMessage({ envelope, body: { kind: 'state', presence, waitUs, workers: 1 } }))
  }

  sendBytes(packet: Uint8Array): void {
    this.#deliver(topic('test', 'cam-1', 'reply'), packet)
  }

  #atServer(packet: Uint8Array): void {
    const message = decodeMessage(packet)
    const { envelope, body } = message
    const receivedUs = clockUs32(this.clock.now() + 123_456)
    const echo = { echoUs: envelope.sentUs, receivedUs, epoch: this.epoch }
    const { rttMs } = this.options
    if (body.kind === 'probe') {
      if (!this.loseReplies)
        this.#send(
          envelope.id,
          { kind: 'probeReply', probeBytes: packet.length, ...echo },
          undefined,
          rttMs / 2,
        )
      return
    }
    if (body.kind !== 'stages') throw new Error(body.kind)
    this.requests.push(message)
    if (this.loseReplies) return
    if (this.refuse) {
      const code = wireErrors[this.refuse].number
      this.#send(envelope.id, { kind: 'error', code, detail: 'because', ...echo }, undefined, rttMs / 2)
      return
    }
    const { stageUs, payload } = this.#serve(message)
    const spentMs = stageUs.reduce((sum, us) => sum + us / 1000, 0)
    const nowMs = this.clock.now()
    this.#serverFreeAtMs = Math.max(this.#serverFreeAtMs, nowMs) + spentMs
    const serverUs = Math.round((this.#serverFreeAtMs - nowMs) * 1000)
    const reply: BodyFields = { kind: 'stagesReply', pipeline: KEY, stageUs, serverUs, ...echo }
    const spoilt = this.spoil(reply, payload)
    if (!spoilt) return
    const afterMs = this.#serverFreeAtMs - nowMs + rttMs / 2
    if (spoilt instanceof Uint8Array) this.clock.setTimeout(() => this.sendBytes(spoilt), afterMs)
    else this.#send(envelope.id, spoilt[0], spoilt[1], afterMs)
  }

  #serve({ body, payload }: Message): { stageUs: number[]; payload: Uint8Array } {
    if (body.kind !== 'stages') throw new Error(body.kind)
    const tensors = this.wiring.tensors.map((tensor) => tensorOfRows(tensor, body.rows))
    const arrays = readPayload(
      body.inputs.map((at) => tensors[at]!),
      payload,
    )
    const known = new Map(body.inputs.map((tensor, at) => [tensor, arrays[at]!]))
    const asked = this.wiring.order.filter((stage) => (body.stages >>> stage) & 1)
    for (const stage of asked) this.#compute(stage, known, body.rows)
    const wanted = body.outputs.map((at) => tensors[at]!)
    const parts = payloadParts(wanted, (at) => known.get(body.outputs[at]!)!)
    const result = new Uint8Array(payloadLayout(wanted).bytes)
    result.set(Buffer.concat(parts))
    const inOrder = asked.toSorted((one, other) => one - other)
    return {
      stageUs: inOrder.map((stage) => {
        const all = this.wiring.stages[stage]!.division?.rows ?? 1
        return (((this.options.stages[stage]!.edgeMs ?? 2) * (body.rows || all)) / all) * 1000
      }),
      payload: result,
    }
  }

  #send(id: number, body: BodyFields, payload: Uint8Array | undefined, afterMs: number): void {
    const packet = encodeMessage({ envelope: { id, boot: this.epoch }, body }, payload)
    this.clock.setTimeout(() => this.sendBytes(packet), afterMs)
  }

  #retain(verb: 'birth' | 'state', packet: Uint8Array): void {
    const name = topic('test', 'edge', verb)
    this.#retained.set(name, packet)
    this.#deliver(name, packet)
  }

  #deliver(name: string, packet: Uint8Array): void {
    if (this.#online) this.#handlers!.onMessage(name, packet)
  }
}

/** An error of a session. */
export const failure = (code: string, retryable: boolean): IsthmusError =>
  new IsthmusError(code, 'told to', { retryable })
