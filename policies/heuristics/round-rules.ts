import {
  expectedDivision,
  expectedS,
  type OffloadObservation,
  offloadObservation,
  RandomStream,
  type RoundPolicy,
} from '../env/index.ts'

/** Any place with equal chances. */
export function randomRounds(): RoundPolicy {
  const random = new RandomStream(0)
  return {
    name: 'random',
    begin: (_, seed) => random.seed(seed, 0x72616e64),
    decide: ({ agents, places }, actions) => {
      for (let agent = 0; agent < agents; agent++) actions[agent] = random.below(places)
    },
  }
}

/** Each takes the place where its own task would be done first by what it sees. */
export const selfishRounds = (): RoundPolicy =>
  soonest('selfish greedy', 0, (seen, place) => ({ share: 1, endS: expectedS(seen, place) }))

/** The same, each dividing its task between the place and its own device as is best by what it sees. */
export const selfishDivision = (): RoundPolicy =>
  soonest('selfish greedy, tasks divided', 0, expectedDivision)

/** Nothing leaves the devices. */
export const localRounds = (): RoundPolicy => ({
  name: 'all local',
  begin() {},
  decide: ({ agents }, actions) => {
    actions.fill(0, 0, agents)
  },
})

/** All goes to a server: to the one where it would be done first by what the agent sees. */
export const serverRounds = (): RoundPolicy =>
  soonest('all on servers', 1, (seen, place) => ({ share: 1, endS: expectedS(seen, place) }))

/** @param first first place that counts; it is taken where none is allowed */
function soonest(
  name: string,
  first: number,
  expected: (seen: OffloadObservation, place: number) => { readonly share: number; readonly endS: number },
): RoundPolicy {
  let seen = offloadObservation(1)
  return {
    name,
    begin: ({ places }) => {
      seen = offloadObservation(places)
    },
    decide: (environment, actions, shares) => {
      for (let agent = 0; agent < environment.agents; agent++) {
        if (environment.acting[agent] === 0) continue
        environment.observe(agent, seen)
        let best = first
        let division = expected(seen, first)
        for (let place = first + 1; place < seen.places; place++) {
          if (seen.allowed[place] !== 1) continue
          const other = expected(seen, place)
          if (other.endS >= division.endS) continue
          best = place
          division = other
        }
        actions[agent] = best
        shares[agent] = division.share
      }
    },
  }
}
