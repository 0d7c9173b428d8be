import {
  connectPipeline,
  type DevicePipeline,
  type PipelineAnswer,
  type RunOptions,
} from '@isthmus/device-sdk'
import { someAgents } from './some-agents.ts'

// A device of the talking tests: a process of its own, whose agent is the same as all others'.

export type TalkOrder =
  | { readonly kind: 'connect'; readonly id: string; readonly broker: string; readonly folder: string }
  | { readonly kind: 'run'; readonly seed: number; readonly options: RunOptions }
  | { readonly kind: 'stats' }

export type TalkReport =
  | { readonly kind: 'server'; readonly ready: boolean }
  | { readonly kind: 'answered'; readonly answer: PipelineAnswer }
  | { readonly kind: 'stats'; readonly stats: DevicePipeline['stats'] }
  | { readonly kind: 'failed'; readonly message: string }

let pipeline: DevicePipeline

async function carryOut(order: TalkOrder): Promise<TalkReport> {
  if (order.kind === 'stats') return { kind: 'stats', stats: pipeline.stats }
  if (order.kind === 'connect') {
    const { id, broker, folder } = order
    const reconnect = { minMs: 50, maxMs: 200 }
    const agents = someAgents()
    pipeline = await connectPipeline({ id, broker, pipeline: folder, deadlineMs: 5000, reconnect, agents })
    return { kind: 'server', ready: await pipeline.waitForServer(20_000) }
  }
  const image = Float32Array.from({ length: 48 }, (_, at) => Math.sin(order.seed + at))
  return { kind: 'answered', answer: await pipeline.run({ image }, order.options) }
}

process.on('message', async (order: TalkOrder) => {
  const report = await carryOut(order).catch(
    (error): TalkReport => ({ kind: 'failed', message: String((error as Error).stack) }),
  )
  process.send?.(report)
})
process.on('disconnect', () => process.exit(0))
