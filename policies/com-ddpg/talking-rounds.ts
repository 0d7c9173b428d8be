import type { RoundEnvironment, RoundPolicy } from '../env/index.ts'
import { Actor } from './actor.ts'
import type { ActorShape, ActorWeights } from './actor-shape.ts'
import { Talk, type TalkOptions } from './talk.ts'

/** A trained actor as the policy of all agents. */
export function talkingRounds(
  name: string,
  shape: ActorShape,
  weights: ActorWeights,
  options: TalkOptions = {},
): RoundPolicy {
  const actor = new Actor(shape, weights)
  let talk: Talk | undefined
  let of: RoundEnvironment | undefined
  return {
    name,
    begin: (environment, seed) => {
      if (of !== environment) talk = new Talk(actor, environment, options)
      of = environment
      talk!.begin(seed)
    },
    decide: (environment, actions, shares) => talk!.decide(environment, actions, shares),
  }
}
