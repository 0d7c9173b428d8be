import { expectedS, offloadObservation, RandomStream, type RoundPolicy } from '../env/index.ts'

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
export function selfishRounds(): RoundPolicy {
  let seen = offloadObservation(1)
  return {
    name: 'selfish greedy',
    begin: ({ places }) => {
      seen = offloadObservation(places)
    },
    decide: (environment, actions) => {
      for (let agent = 0; agent < environment.agents; agent++) {
        if (environment.acting[agent] === 0) continue
        environment.observe(agent, seen)
        let best = 0
        for (let place = 1; place < seen.places; place++) {
          if (seen.allowed[place] === 1 && expectedS(seen, place) < expectedS(seen, best)) best = place
        }
        actions[agent] = best
      }
    },
  }
}
