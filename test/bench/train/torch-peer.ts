import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Tensor } from '@isthmus/models/runtime'
import type { Job } from './jobs.ts'

const script = fileURLToPath(new URL('../../../bench/peers/torch_steps.py', import.meta.url))

/** Where Debian puts the BLAS of libopenblas0-pthread, by architecture. */
const openBlasFolders = ['x86_64', 'aarch64'].map(
  (machine) => `/usr/lib/${machine}-linux-gnu/openblas-pthread`,
)

export const variants: Readonly<Record<Job['name'], readonly string[]>> = {
  conv: ['plain', 'channels_last'],
  mlp: ['plain'],
}

export interface TorchRun {
  readonly stepsMs: readonly number[]
  readonly losses: readonly number[]
}

export interface TorchInfo {
  readonly torch: string
  readonly threads: number
  /** Files of the BLAS that the process has loaded. */
  readonly blas: readonly string[]
}

/** PyTorch in a process of its own, which takes steps of the same jobs on demand and waits without computing. */
export class TorchPeer {
  readonly info: TorchInfo
  readonly #child: ChildProcess
  readonly #lines: Interface
  readonly #folder: string

  private constructor(child: ChildProcess, lines: Interface, folder: string, info: TorchInfo) {
    this.#child = child
    this.#lines = lines
    this.#folder = folder
    this.info = info
  }

  /** Starts it with the given jobs, or says why there is no such peer here. */
  static async start(jobs: readonly Job[], threads: number): Promise<TorchPeer | string> {
    const python = findPython()
    if (python === undefined) {
      return 'no PyTorch here: install python3-torch and libopenblas0-pthread, or name a Python in ISTHMUS_BENCH_PYTHON'
    }
    const folder = await mkdtemp(join(tmpdir(), 'isthmus-torch-'))
    for (const job of jobs) await writeJob(folder, job)
    const child = spawn(python, [script, folder, String(threads)], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: environment(threads),
    })
    const lines = createInterface({ input: child.stdout! })
    const info = await answer<TorchInfo>(lines)
    const peer = new TorchPeer(child, lines, folder, info)
    if (info.blas.some((file) => file.includes('openblas'))) return peer
    await peer.stop()
    return `PyTorch runs on ${info.blas.join(', ') || 'a BLAS of its own'}: install libopenblas0-pthread for a fair peer`
  }

  /** Trains `warmUp + steps` steps from the job's start; returns times and losses of the last `steps`. */
  async run(net: Job['name'], variant: string, steps: number, warmUp: number): Promise<TorchRun> {
    this.#child.stdin!.write(`${JSON.stringify({ net, variant, steps, warmUp })}\n`)
    return answer<TorchRun>(this.#lines)
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, 'exit')
    this.#child.stdin!.end()
    await ended
    await rm(this.#folder, { recursive: true, force: true })
  }
}

/** The first Python that can import torch. */
function findPython(): string | undefined {
  const named = process.env.ISTHMUS_BENCH_PYTHON
  const candidates = named === undefined ? ['python3', '/usr/bin/python3'] : [named]
  return candidates.find(
    (python) => spawnSync(python, ['-c', 'import torch'], { stdio: 'ignore' }).status === 0,
  )
}

/** The reference BLAS, which Debian's PyTorch is linked to, would be ten times slower: OpenBLAS goes before it. */
function environment(threads: number): NodeJS.ProcessEnv {
  const paths = [...openBlasFolders.filter((folder) => existsSync(folder)), process.env.LD_LIBRARY_PATH]
  return {
    ...process.env,
    OMP_NUM_THREADS: String(threads),
    OPENBLAS_NUM_THREADS: String(threads),
    LD_LIBRARY_PATH: paths.filter(Boolean).join(':'),
  }
}

async function writeJob(folder: string, job: Job): Promise<void> {
  let files = 0
  const write = async (dims: readonly number[], bytes: Uint8Array) => {
    const file = `${job.name}-${files++}.f32`
    await writeFile(join(folder, file), bytes)
    return { file, dims }
  }
  const writeTensor = ({ dims, data }: Tensor) =>
    write(dims, new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
  const weights: Record<string, unknown> = {}
  for (const [name, { dims, bytes }] of job.weights) weights[name] = await write(dims, bytes as Uint8Array)
  const batches = []
  for (const { input, targets } of job.batches) {
    batches.push({ input: await writeTensor(input), targets: await writeTensor(targets) })
  }
  await writeFile(join(folder, `${job.name}.json`), JSON.stringify({ rate: job.rate, weights, batches }))
}

/** The next line of the peer; a peer that has ended closes its output without one. */
function answer<T>(lines: Interface): Promise<T> {
  return new Promise((resolve, reject) => {
    const ended = () =>
      reject(new Error("PyTorch's process ended without an answer; its error stands above."))
    lines.once('close', ended)
    lines.once('line', (line) => {
      lines.off('close', ended)
      resolve(JSON.parse(line) as T)
    })
  })
}
