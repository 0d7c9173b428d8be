import type { RandomStream } from '../../../env/index.ts'
import { DiscreteDistribution } from './discrete-distribution.ts'

/** Tasks of Alibaba's trace of 2018 that last at most so many whole seconds (source: published-shapes.ts). */
const atMostS: readonly (readonly [seconds: number, tasks: number])[] = [
  [0, 742829],
  [1, 2336193],
  [2, 3020715],
  [3, 3832867],
  [4, 4513929],
  [5, 4927834],
  [6, 5283159],
  [7, 5567546],
  [8, 5795168],
  [9, 5990046],
  [10, 6161462],
  [12, 6453649],
  [15, 6793797],
  [20, 7188086],
  [25, 7472697],
  [30, 7677251],
  [40, 7978571],
  [50, 8193682],
  [60, 8355058],
  [80, 8583230],
  [100, 8734390],
  [120, 8848216],
  [160, 9018143],
  [200, 9133027],
  [250, 9229659],
  [300, 9300815],
  [320, 9348203],
  [350, 9397259],
  [380, 9443672],
  [400, 9468927],
]
const TASKS = 9_673_063

/** Longer than the last point: Pareto's law, its exponent fitted there; as far as 2000 s it is within a tenth of the counts. */
const TAIL_EXPONENT = 1.88
const LONGEST_S = 86_400

/** Points of the distribution, straight between them: a task of 3 whole seconds ends before 4 s. */
const seconds = [0, ...atMostS.map(([whole]) => whole + 1)]
const shares = [0, ...atMostS.map(([, tasks]) => tasks / TASKS)]
const tailFromS = seconds.at(-1)!
const tailShare = 1 - shares.at(-1)!

/** Processor that an instance asks for, by hundredths of a core. */
const planCpu = new DiscreteDistribution([
  [50, 4051891],
  [100, 5617092],
  [200, 3250],
  [300, 46],
  [400, 50],
  [500, 329],
  [600, 8],
  [800, 397],
])

/** Core-seconds of a task as published: its duration times the cores that it asks for, each drawn by itself. */
export function drawCoreSeconds(random: RandomStream): number {
  return durationS(random.uniform()) * (planCpu.draw(random) / 100)
}

/** Duration that a share of all tasks stays below, s. */
export function durationS(share: number): number {
  if (share >= 1 - tailShare) {
    return Math.min(LONGEST_S, tailFromS * ((1 - share) / tailShare) ** (-1 / TAIL_EXPONENT))
  }
  const at = shares.findIndex((each) => each > share)
  const part = (share - shares[at - 1]!) / (shares[at]! - shares[at - 1]!)
  return seconds[at - 1]! + part * (seconds[at]! - seconds[at - 1]!)
}

/** Mean of {@link drawCoreSeconds}. */
export const MEAN_CORE_SECONDS: number = meanCoreSeconds()

function meanCoreSeconds(): number {
  let mean = 0
  for (let at = 1; at < seconds.length; at++) {
    mean += (shares[at]! - shares[at - 1]!) * ((seconds[at]! + seconds[at - 1]!) / 2)
  }
  // ∫ of the tail's share of longer tasks, up to the longest.
  const cut = (tailFromS / LONGEST_S) ** (TAIL_EXPONENT - 1)
  mean += tailShare * tailFromS * (1 + (1 - cut) / (TAIL_EXPONENT - 1))
  let cores = 0
  for (const [at, value] of planCpu.values.entries()) cores += (value * planCpu.weights[at]!) / 100
  return (mean * cores) / planCpu.weightOf(0, 1e9)
}
