import { availableParallelism, type CpuInfo, cpus, release, totalmem } from 'node:os'

/** Where figures were measured. */
export interface Machine {
  readonly cpu: string
  /** Hardware threads that this process may use. */
  readonly cores: number
  readonly memoryGb: number
  readonly system: string
  readonly node: string
  /** How many cores were at work for others just before the run. */
  readonly busyCores: number
}

const LISTEN_MS = 1000

/** Describes this machine; takes a second, in which it listens to what else is running. */
export async function thisMachine(): Promise<Machine> {
  const before = cpus()
  await new Promise((resolve) => setTimeout(resolve, LISTEN_MS))
  return {
    cpu: before[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 1e9),
    system: `${process.platform} ${process.arch} ${release()}`,
    node: process.version,
    busyCores: Math.round(100 * busyCores(before, cpus())) / 100,
  }
}

/** Cores at work between two readings, e.g. 1.5. */
export function busyCores(before: readonly CpuInfo[], after: readonly CpuInfo[]): number {
  let busy = 0
  after.forEach(({ times }, core) => {
    const past = before[core]?.times ?? times
    const passed = (Object.keys(times) as (keyof typeof times)[]).map((kind) => times[kind] - past[kind])
    const total = passed.reduce((sum, ms) => sum + ms, 0)
    if (total > 0) busy += 1 - (times.idle - past.idle) / total
  })
  return busy
}

/** Something else computes here: speeds, and above all ratios with a peer that waits badly, are not to be trusted. */
export const isBusy = (machine: Pick<Machine, 'busyCores'>): boolean => machine.busyCores > 0.2
