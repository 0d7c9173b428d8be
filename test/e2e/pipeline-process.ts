import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { connectPipeline, type PipelineAnswer, type RunOptions } from '@isthmus/device-sdk'
import { ended } from './edge-daemon.ts'
import type { PipelineOrder, PipelineReport } from './pipeline-main.ts'
import type { TinyPipeline } from './tiny-pipeline.ts'

/** A device process that runs a pipeline, seen from the one that gives it orders. */
export class PipelineProcess {
  readonly #child: ChildProcess

  constructor() {
    const program = fileURLToPath(new URL('pipeline-main.js', import.meta.url))
    this.#child = fork(program, { serialization: 'advanced' })
  }

  async connect(broker: string, folder: string): Promise<boolean> {
    const report = await this.#ask({ kind: 'connect', broker, folder })
    return report.kind === 'server' && report.ready
  }

  async run(seed: number, options: RunOptions = {}): Promise<PipelineAnswer> {
    const report = await this.#ask({ kind: 'run', seed, options })
    if (report.kind !== 'answered') throw new Error(report.kind === 'failed' ? report.message : report.kind)
    return report.answer
  }

  end(): Promise<void> {
    return ended(this.#child, 'SIGKILL')
  }

  async #ask(order: PipelineOrder): Promise<PipelineReport> {
    const answered = once(this.#child, 'message') as Promise<[PipelineReport]>
    this.#child.send(order)
    return (await answered)[0]
  }
}

/** The outputs as hexadecimal digits: equal when they are equal bit for bit. */
export const bytesOf = ({ outputs }: PipelineAnswer) =>
  Object.fromEntries(
    Object.entries(outputs).map(([name, { data }]) => [
      name,
      Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('hex'),
    ]),
  )

/** What a device that knows no broker makes of the same pictures, in this process. */
export async function alone(tiny: TinyPipeline, seeds: readonly number[]) {
  const pipeline = await connectPipeline({ id: 'alone', pipeline: tiny.dir, deadlineMs: 5000 })
  const results: ReturnType<typeof bytesOf>[] = []
  for (const seed of seeds) {
    const image = Float32Array.from({ length: 48 }, (_, at) => Math.sin(seed + at))
    results.push(bytesOf(await pipeline.run({ image })))
  }
  await pipeline.close()
  return results
}
