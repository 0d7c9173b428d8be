import type { CentralCosts } from '../rounds/central-costs.ts'
import type { DagRounds } from './dag-rounds.ts'

/**
 * Full information in {@link DagRounds}: all that each host has left, on its way there included, and what was sent there in this
 * round. Costs are times until the task would be done.
 */
export class DagCosts implements CentralCosts<DagRounds> {
  private takenS = new Float64Array(0)

  begin({ problem }: DagRounds): void {
    this.takenS = new Float64Array(problem.hosts)
  }

  beginRound(): void {
    this.takenS.fill(0)
  }

  costs(environment: DagRounds, agent: number, into: Float64Array): void {
    const { problem, queues, choosing, nowS, referenceS } = environment
    const { hosts, executionS, returnS } = problem
    const task = choosing[agent]!
    for (let place = 0; place < environment.places; place++) {
      const host = hostOf(environment, agent, place)
      const backlog = queues.backlogS(host, nowS) + queues.comingS[host]! + this.takenS[host]!
      const start = Math.max(environment.transferS(task, host), backlog)
      const at = task * hosts + host
      into[place] = (start + executionS[at]! + returnS[at]!) / referenceS
    }
  }

  take(environment: DagRounds, agent: number, place: number): void {
    const { problem, choosing } = environment
    const host = hostOf(environment, agent, place)
    this.takenS[host]! += problem.executionS[choosing[agent]! * problem.hosts + host]!
  }
}

const hostOf = ({ problem }: DagRounds, agent: number, place: number): number =>
  place === 0 ? agent : problem.firstServer + place - 1
