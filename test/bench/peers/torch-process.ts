import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** Where Debian puts the BLAS of libopenblas0-pthread, by architecture. */
const openBlasFolders = ['x86_64', 'aarch64'].map(
  (machine) => `/usr/lib/${machine}-linux-gnu/openblas-pthread`,
)

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

/** Writes float32 values to a file beside the others, and says how a script finds them. */
export type WriteTensor = (
  dims: readonly number[],
  bytes: Uint8Array,
) => Promise<{ file: string; dims: readonly number[] }>

/** PyTorch in a process of its own, which does work on demand and waits without computing. */
export class TorchProcess {
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

  /**
   * Starts `script` of this folder with a folder that `fill` has written to, or says why there is no such peer here.
   *
   * @param fill gets the folder and a function that writes tensors there
   */
  static async start(
    script: string,
    threads: number,
    fill: (folder: string, write: WriteTensor) => Promise<void>,
  ): Promise<TorchProcess | string> {
    const python = findPython()
    if (python === undefined) {
      return 'no PyTorch here: install python3-torch and libopenblas0-pthread, or name a Python in ISTHMUS_BENCH_PYTHON'
    }
    const folder = await mkdtemp(join(tmpdir(), 'isthmus-torch-'))
    let files = 0
    await fill(folder, async (dims, bytes) => {
      const file = `${files++}.f32`
      await writeFile(join(folder, file), bytes)
      return { file, dims }
    })
    const path = fileURLToPath(new URL(`../../../bench/peers/${script}`, import.meta.url))
    const child = spawn(python, [path, folder, String(threads)], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: environment(threads),
    })
    const lines = createInterface({ input: child.stdout! })
    const info = await answer<TorchInfo>(lines)
    const peer = new TorchProcess(child, lines, folder, info)
    if (info.blas.some((file) => file.includes('openblas'))) return peer
    await peer.stop()
    return `PyTorch runs on ${info.blas.join(', ') || 'a BLAS of its own'}: install libopenblas0-pthread for a fair peer`
  }

  /** Sends an order and waits for the answer. */
  ask(order: Readonly<Record<string, unknown>>): Promise<TorchRun> {
    this.#child.stdin!.write(`${JSON.stringify(order)}\n`)
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
