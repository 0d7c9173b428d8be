import {
  connectPipeline,
  type DevicePipeline,
  type PipelineAnswer,
  type RunOptions,
} from '@isthmus/device-sdk'

// The device of the pipeline tests: a process of its own. It is told what to run, and reports the answer.

export type PipelineOrder =
  | { readonly kind: 'connect'; readonly broker: string; readonly folder: string }
  | { readonly kind: 'run'; readonly seed: number; readonly options: RunOptions }

export type PipelineReport =
  | { readonly kind: 'server'; readonly ready: boolean }
  | { readonly kind: 'answered'; readonly answer: PipelineAnswer }
  | { readonly kind: 'failed'; readonly message: string }

let pipeline: DevicePipeline

async function carryOut(order: PipelineOrder): Promise<PipelineReport> {
  if (order.kind === 'connect') {
    const { broker, folder } = order
    const reconnect = { minMs: 50, maxMs: 200 }
    pipeline = await connectPipeline({ id: 'cam-1', broker, pipeline: folder, deadlineMs: 5000, reconnect })
    return { kind: 'server', ready: await pipeline.waitForServer(20_000) }
  }
  const image = Float32Array.from({ length: 48 }, (_, at) => Math.sin(order.seed + at))
  return { kind: 'answered', answer: await pipeline.run({ image }, order.options) }
}

process.on('message', async (order: PipelineOrder) => {
  const report = await carryOut(order).catch(
    (error): PipelineReport => ({ kind: 'failed', message: String((error as Error).stack) }),
  )
  process.send?.(report)
})
process.on('disconnect', () => process.exit(0))
