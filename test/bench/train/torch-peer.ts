import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { TorchProcess, type TorchRun, type WriteTensor } from '../peers/torch-process.ts'
import type { Job } from './jobs.ts'

export const variants: Readonly<Record<Job['name'], readonly string[]>> = {
  conv: ['plain', 'channels_last'],
  mlp: ['plain'],
}

/** PyTorch, training the same jobs. */
export class TorchPeer {
  readonly #process: TorchProcess

  private constructor(process: TorchProcess) {
    this.#process = process
  }

  get info() {
    return this.#process.info
  }

  /** Starts it with the given jobs, or says why there is no such peer here. */
  static async start(jobs: readonly Job[], threads: number): Promise<TorchPeer | string> {
    const started = await TorchProcess.start('torch_steps.py', threads, async (folder, write) => {
      for (const job of jobs) await writeJob(folder, write, job)
    })
    return typeof started === 'string' ? started : new TorchPeer(started)
  }

  /** Trains `warmUp + steps` steps from the job's start; returns times and losses of the last `steps`. */
  run(net: Job['name'], variant: string, steps: number, warmUp: number): Promise<TorchRun> {
    return this.#process.ask({ net, variant, steps, warmUp })
  }

  stop(): Promise<void> {
    return this.#process.stop()
  }
}

async function writeJob(folder: string, write: WriteTensor, job: Job): Promise<void> {
  const bytesOf = (data: ArrayBufferView) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  const weights: Record<string, unknown> = {}
  for (const [name, { dims, bytes }] of job.weights) weights[name] = await write(dims, bytes as Uint8Array)
  const batches = []
  for (const { input, targets } of job.batches) {
    batches.push({
      input: await write(input.dims, bytesOf(input.data)),
      targets: await write(targets.dims, bytesOf(targets.data)),
    })
  }
  await writeFile(join(folder, `${job.name}.json`), JSON.stringify({ rate: job.rate, weights, batches }))
}
