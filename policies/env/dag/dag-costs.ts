import { bestShare, type PartTimes, partEndS } from '../rounds/best-share.ts'
import type { CentralCosts } from '../rounds/central-costs.ts'
import type { DagRounds } from './dag-rounds.ts'

/**
 * Full information in {@link DagRounds}: all that each host has left, on its way there included, and what was sent there in this
 * round. Costs are times until the task would be done, of whole tasks or of tasks that are divided as is best for each.
 */
export class DagCosts implements CentralCosts<DagRounds> {
  private takenS = new Float64Array(0)

  begin({ problem }: DagRounds): void {
    this.takenS = new Float64Array(problem.hosts)
  }

  beginRound(): void {
    this.takenS.fill(0)
  }

  costs(environment: DagRounds, agent: number, into: Float64Array, shares?: Float64Array): void {
    const { problem, choosing, referenceS } = environment
    const device = this.times(environment, agent, agent)
    const divide = problem.divisible[choosing[agent]!] === 1 && device.executionS < Infinity
    for (let place = 0; place < environment.places; place++) {
      const there = place === 0 ? device : this.times(environment, agent, hostOf(environment, agent, place))
      const { share, endS } =
        shares && divide && place > 0 && there.executionS < Infinity
          ? bestShare(there, device)
          : { share: 1, endS: partEndS(there, 1) }
      into[place] = endS / referenceS
      if (shares) shares[place] = share
    }
  }

  take(environment: DagRounds, agent: number, place: number, share = 1): void {
    const { problem, choosing } = environment
    const { executionS, hosts } = problem
    const task = choosing[agent]!
    const host = hostOf(environment, agent, place)
    this.takenS[host]! += share * executionS[task * hosts + host]!
    if (share < 1) this.takenS[agent]! += (1 - share) * executionS[task * hosts + agent]!
  }

  private times(environment: DagRounds, agent: number, host: number): PartTimes {
    const { problem, queues, choosing, nowS } = environment
    const { hosts, executionS, returnS } = problem
    const task = choosing[agent]!
    const at = task * hosts + host
    return {
      queueS: queues.backlogS(host, nowS) + queues.comingS[host]! + this.takenS[host]!,
      waitS: 0,
      transferS: environment.transferS(task, host),
      executionS: executionS[at]!,
      returnS: returnS[at]!,
    }
  }
}

const hostOf = ({ problem }: DagRounds, agent: number, place: number): number =>
  place === 0 ? agent : problem.firstServer + place - 1
