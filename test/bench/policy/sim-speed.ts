import { type FleetOptions, FleetSimulation, sameMode } from '@isthmus/policies/sim'
import { median } from '../statistics.ts'

const SEED = 1
/** Mode of the default table that every frame takes: a narrow head, 130 bytes, the tail at a server. */
const MODE = 8

export interface SimSpeed {
  /** Median over the rounds. */
  readonly simDecisionsPerSec: number
  readonly detail: {
    readonly seed: number
    readonly devices: number
    readonly decisionsPerRound: number
    readonly rounds: readonly number[]
  }
}

/**
 * 10,000 devices with two frames a second each and a link of their own, 20 servers, every frame in one split mode: decisions simulated in a
 * second of processor time, everything from the frame's arrival to its answer and its energy included, the making of the system too.
 */
export function measureSimSpeed(quick: boolean): SimSpeed {
  const options: FleetOptions = {
    seed: SEED,
    horizonS: quick ? 25 : 100,
    devices: [
      {
        count: 10_000,
        arrivals: { kind: 'periodic', everyS: 0.5 },
        link: { kind: 'fixed', rateBps: [1e6, 5e6] },
        deadlineS: 0.2,
      },
    ],
    servers: Array.from({ length: 20 }, () => ({ workers: 20, speed: 4 })),
  }
  let decisions = 0
  const round = () => {
    const before = process.cpuUsage()
    ;({ decisions } = new FleetSimulation(options).run(sameMode(MODE)))
    const { user, system } = process.cpuUsage(before)
    return (1e6 * decisions) / (user + system)
  }
  round()
  const rounds = Array.from({ length: quick ? 3 : 7 }, round)
  return {
    simDecisionsPerSec: median(rounds),
    detail: { seed: SEED, devices: 10_000, decisionsPerRound: decisions, rounds },
  }
}
