import { outcomeOf, timelineOf } from '../../dag/index.ts'
import { LEAST_SHARE, type OffloadObservation, offloadObservation } from '../../env/index.ts'
import { policyError } from '../../errors.ts'
import type { PipelineObservation, PipelinePolicy, Placement, StageHost } from '../../pipeline/index.ts'
import { Placing } from './placing.ts'
import { SentWork } from './sent-work.ts'
import type { TalkingAgent } from './talking-agent.ts'
import type { Told } from './told.ts'

export interface TalkingPolicyOptions {
  readonly agent: TalkingAgent
  /** Keys of the servers, in the order of the problem's hosts. */
  readonly servers: readonly number[]
  /** Sends a message to the others, without waiting; it may be lost. */
  readonly tell: (told: Told) => void
}

/**
 * Places the stages of a pipeline by an agent that talks: it tells that it decides, chooses a place for each stage by what it knows
 * and what the others told last, and tells what it has sent then. Waits for nobody.
 */
export class TalkingPolicy implements PipelinePolicy {
  readonly #options: TalkingPolicyOptions
  readonly #sent = new SentWork()
  readonly #publishedMs = new Map<number, number>()
  readonly #seen: OffloadObservation

  constructor(options: TalkingPolicyOptions) {
    this.#options = options
    this.#seen = offloadObservation(1 + options.servers.length)
  }

  /** To be called when a server has published its load: what was sent there before is in it. */
  published(server: number, nowMs: number): void {
    this.#publishedMs.set(server, nowMs)
    const { agent, servers, tell } = this.#options
    this.#sent.published(server, nowMs)
    agent.published(server)
    // What had not reached the server yet is not in its load; the others take all that they heard before for counted.
    const left = servers.map((key) => this.#sent.secondsAt(key, nowMs))
    if (!left.some((seconds) => seconds > 0)) return
    this.#seen.deciding = false
    this.#seen.sentS.set(left, 1)
    tell(agent.think(this.#seen, servers))
  }

  place({ problem, nowMs, deadlineMs, link, load }: PipelineObservation): Placement {
    const { agent, servers, tell } = this.#options
    if (problem.firstServer !== 1 || problem.hosts !== 1 + servers.length) {
      throw policyError('BAD_OBSERVATION', `agents: ${problem.hosts} hosts, ${servers.length} servers known`)
    }
    const placing = new Placing(problem, deadlineMs / 1000, {
      publishedAgoS: servers.map((key) =>
        Math.max(0, (nowMs - (this.#publishedMs.get(key) ?? nowMs)) / 1000),
      ),
      sentS: servers.map((key) => this.#sent.secondsAt(key, nowMs)),
      workers: servers.map(() => Math.max(1, load?.workers ?? 1)),
      uplinkWaitS: (link?.queueMs ?? 0) / 1000,
    })
    const seen = this.#seen
    for (let told = false, task = placing.next(); task !== undefined; task = placing.next()) {
      placing.observe(task, seen)
      const message = agent.think(seen, servers)
      if (!told) tell(message)
      told = true
      const place = agent.decide(nowMs)
      const share = place > 0 && seen.divisible ? wholeOr(agent.ratios[place]!) : 1
      if (place === 0 || share === 0) {
        placing.take(task, 0)
        continue
      }
      const { seconds, setsOutS, thereS } = placing.take(task, place, share)
      const [sentMs, countedMs] = [nowMs + 1000 * setsOutS, nowMs + 1000 * thereS + (link?.rttMs ?? 0) / 2]
      this.#sent.add({ server: servers[place - 1]!, seconds, sentMs, countedMs })
    }
    placing.observe(undefined, seen)
    tell(agent.think(seen, servers))
    return this.#placement(problem, placing, link, agent.peers(nowMs))
  }

  #placement(
    problem: PipelineObservation['problem'],
    { plan }: Placing,
    link: PipelineObservation['link'],
    peers: number,
  ): Placement {
    const hosts: StageHost[] = Array.from({ length: problem.tasks }, () => 'device')
    const shares: number[] = Array.from({ length: problem.tasks }, () => 1)
    for (const [task, host] of plan.host.entries()) {
      if (host > 0) hosts[problem.inGraph[task]!] = 'edge'
      shares[problem.inGraph[task]!] = plan.share[task]!
    }
    const divided = shares.filter((share) => share < 1).length
    const away = hosts.filter((host) => host === 'edge').length
    const { latencyS } = outcomeOf(problem, plan, timelineOf(problem, plan))
    const { spreadMs = 0, queueMs = 0 } = link ?? {}
    const expectedMs = latencyS * 1000 + (away > 0 ? spreadMs + queueMs : 0)
    const heard = peers === 1 ? '1 other heard' : `${peers} others heard`
    const there = `${away} of ${hosts.length} stages on the server${divided > 0 ? `, ${divided} of them divided` : ''}`
    return {
      hosts,
      ...(divided > 0 && { shares }),
      expectedMs,
      reason: `agents: ${there}, ${expectedMs.toFixed(1)} ms, ${heard}`,
    }
  }
}

/** Parts as small as these leave a task whole, as in training. */
const wholeOr = (share: number): number => (share < LEAST_SHARE ? 0 : share > 1 - LEAST_SHARE ? 1 : share)
