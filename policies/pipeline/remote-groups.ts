import type { Wiring } from '@isthmus/models/pipeline'

/** Where a stage runs. */
export type StageHost = 'device' | 'edge'

/** Stages that one request to the server runs. */
export interface RemoteGroup {
  /** Stage numbers, ascending. */
  readonly stages: readonly number[]
  /** Tensors that come with the request: what the stages read and none of them makes. */
  readonly inputs: readonly number[]
  /** Tensors that come back: what others read, or the answer holds. */
  readonly outputs: readonly number[]
}

/**
 * The requests of a placement, as few as there can be without one that waits for what the device makes of its own reply: stages on
 * the server that hang together, directly or by a tensor that they both read, and have as many changes from server to device before
 * them. Every stage on the server is in one group. Groups come in an order in which none waits for a later one.
 */
export function remoteGroups(wiring: Wiring, hosts: readonly StageHost[]): RemoteGroup[] {
  const { stages, tensors, order, outputs } = wiring
  const round: number[] = stages.map(() => 0)
  for (const at of order) {
    for (const { tensor } of stages[at]!.inputs) {
      const from = tensors[tensor]!.stage
      if (from < 0) continue
      const turn = hosts[from] === 'edge' && hosts[at] === 'device' ? 1 : 0
      round[at] = Math.max(round[at]!, round[from]! + turn)
    }
  }
  const groupOf = joined(wiring, hosts, round)
  const members = new Map<number, number[]>()
  for (const [at, host] of hosts.entries()) {
    if (host !== 'edge') continue
    const root = groupOf(at)
    members.set(root, [...(members.get(root) ?? []), at])
  }
  const wanted = new Set(outputs.map(({ tensor }) => tensor))
  const groups = [...members.values()].map((numbers) => groupFrom(wiring, numbers, wanted))
  return groups.sort((a, b) => round[a.stages[0]!]! - round[b.stages[0]!]!)
}

/** One stage as a group of its own. */
export const stageGroup = (wiring: Wiring, stage: number): RemoteGroup =>
  groupFrom(wiring, [stage], new Set(wiring.outputs.map(({ tensor }) => tensor)))

function groupFrom(
  { stages, tensors }: Wiring,
  numbers: readonly number[],
  wanted: ReadonlySet<number>,
): RemoteGroup {
  const inside = new Set(numbers)
  const inputs = new Set<number>()
  for (const at of numbers) {
    for (const { tensor } of stages[at]!.inputs) {
      if (!inside.has(tensors[tensor]!.stage)) inputs.add(tensor)
    }
  }
  const readOutside = new Set<number>()
  for (const { number, inputs } of stages) {
    if (!inside.has(number)) for (const { tensor } of inputs) readOutside.add(tensor)
  }
  const made = numbers.flatMap((at) => stages[at]!.outputs.map(({ number }) => number))
  return {
    stages: numbers,
    inputs: [...inputs],
    outputs: made.filter((tensor) => readOutside.has(tensor) || wanted.has(tensor)),
  }
}

/** Union-find over the stages on the server, within a round. */
function joined({ stages, tensors }: Wiring, hosts: readonly StageHost[], round: readonly number[]) {
  const parent = stages.map((_, at) => at)
  const root = (at: number): number => (parent[at] === at ? at : root(parent[at]!))
  const join = (a: number, b: number) => {
    if (hosts[a] !== 'edge' || hosts[b] !== 'edge' || round[a] !== round[b]) return
    const [low, high] = [root(a), root(b)].sort((one, other) => one - other)
    parent[high!] = low!
  }
  /** By round and tensor: a stage that reads it. */
  const readers = new Map<string, number>()
  for (const { number, inputs } of stages) {
    if (hosts[number] !== 'edge') continue
    for (const { tensor } of inputs) {
      const from = tensors[tensor]!.stage
      if (from >= 0) join(from, number)
      const key = `${round[number]} ${tensor}`
      const other = readers.get(key)
      if (other === undefined) readers.set(key, number)
      else join(other, number)
    }
  }
  return root
}
