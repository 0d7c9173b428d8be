import type { AgentsNetwork } from '@isthmus/policies/com-ddpg'
import {
  type PeerCounters,
  TalkingAgent,
  TalkingPolicy,
  type TalkingPolicyOptions,
} from '@isthmus/policies/com-ddpg/served'
import { RandomStream } from '@isthmus/policies/env'
import { crc32, EDGE_ID, serverKey } from '@isthmus/proto'
import { type TellCounters, Tells, type TellsOptions } from './tells.ts'

/** What agents told each other, as this device saw it, counted since the pipeline was connected. */
export interface TalkStats extends Readonly<TellCounters>, Readonly<PeerCounters> {
  /** Other devices whose latest message still counts. */
  readonly peers: number
}

export interface TalkingOptions extends Omit<TellsOptions, 'listener'> {
  readonly agents: AgentsNetwork
}

/** A device's part in deciding together: its agent, as a policy, and its way to the others. */
export interface Talking {
  readonly policy: TalkingPolicy
  /** Key of the agents' network. */
  readonly network: number
  readonly tells: Tells
  stats(): TalkStats
}

/** Throws BAD_POLICY when the agents cannot be served. */
export function talking({ agents, ...options }: TalkingOptions): Talking {
  const { id, boot, clock } = options
  const random = new RandomStream(crc32(new TextEncoder().encode(id)), boot)
  const agent = new TalkingAgent({ id, network: agents, random })
  const tell: TalkingPolicyOptions['tell'] = (told) => tells.tell(told)
  const policy = new TalkingPolicy({ agent, servers: [serverKey(EDGE_ID)], tell })
  const tells = new Tells({
    ...options,
    listener: {
      hear: (from, told, nowMs) => agent.hear(from, told, nowMs),
      published: (server, nowMs) => policy.published(server, nowMs),
    },
  })
  const stats = () => ({ ...tells.counters, ...agent.counters, peers: agent.peers(clock.now()) })
  return { policy, network: agent.network, tells, stats }
}
