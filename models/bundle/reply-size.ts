import { MAX_DECODERS, MAX_MESSAGE_BYTES } from '@isthmus/proto'
import type { Manifest } from './manifest.ts'
import type { LatentTask } from './tasks.ts'

/** What counts of a bundle. */
export interface ReplyContents extends Pick<Manifest, 'output'> {
  readonly tasks?: readonly (Pick<LatentTask, 'labels'> & { readonly decoders: readonly unknown[] })[]
}

/** What a reply holds beside its numbers. */
const REPLY_HEADER_BYTES = 256
const FLOAT_BYTES = 4

/**
 * Why no reply can hold what a request may ask of the bundle, its result and those of the most decoders that one request names; undefined when it
 * can.
 */
export function replyFault({ output, tasks = [] }: ReplyContents): string | undefined {
  const count = output.dims.reduce((product, dim) => product * dim, 1)
  const decoders = tasks.flatMap(({ labels, decoders }) => decoders.map(() => labels.length))
  const longest = decoders.sort((a, b) => b - a).slice(0, MAX_DECODERS)
  const bytes = FLOAT_BYTES * longest.reduce((sum, values) => sum + values, count)
  const most = MAX_MESSAGE_BYTES - REPLY_HEADER_BYTES
  return bytes > most
    ? `Its result of ${bytes} bytes does not fit into a message, which carries ${most}`
    : undefined
}
