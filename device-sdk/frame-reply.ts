import type { Reply } from './exchange.ts'
import { allFinite } from './guesses.ts'
import type { LatentTasks, TaskAnswer } from './latent-tasks.ts'
import type { ModelVersion } from './loaded-model.ts'
import type { ExchangeTimes } from './stage-log.ts'

/** A result that a server has sent, and where the time went. */
interface FrameReply {
  readonly output: Float32Array
  readonly tasks: Record<string, TaskAnswer> | undefined
  readonly version: ModelVersion
  readonly exchange: ExchangeTimes
  readonly serverMs: number
}

/** `asked` are the decoders that were to answer. Undefined when it is no result of bundle `key`, of another length than `count`, or holds NaN or an infinity. */
export function readReply(
  reply: Reply,
  key: number,
  count: number,
  tasks: LatentTasks,
  asked: readonly number[],
): FrameReply | undefined {
  const { body, payload, uplinkMs, downlinkMs } = reply
  if (body.kind !== 'reply' || body.bundle !== key) return undefined
  const said = body.dims.reduce((product, dim) => product * dim, 1)
  const more = body.decoderValues.reduce((sum, values) => sum + values, 0)
  if (said !== count || payload.length !== 4 * (count + more)) return undefined
  const values = floatsOf(payload)
  const output = more === 0 ? values : values.slice(0, count)
  if (!allFinite(output)) return undefined
  const serverMs = body.serverUs / 1000
  const decodeMs = Math.min(serverMs, body.decodeUs / 1000)
  const tailMs = Math.min(serverMs - decodeMs, body.tailUs / 1000)
  return {
    output,
    tasks: more === 0 ? undefined : tasks.read(body, values.subarray(count), asked),
    version: { version: body.patch, epoch: body.patchEpoch },
    exchange: { uplinkMs, queueMs: serverMs - decodeMs - tailMs, decodeMs, tailMs, downlinkMs },
    serverMs,
  }
}

/** The payload lies anywhere in the packet, and the packet is the transport's: copied, and so aligned. */
function floatsOf(payload: Uint8Array): Float32Array {
  return new Float32Array(payload.slice().buffer)
}
