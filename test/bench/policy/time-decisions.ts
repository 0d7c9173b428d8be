import { MecEnvironment } from '@isthmus/policies/env'
import { LearnedPolicy, mecCandidates } from '@isthmus/policies/serve'

/** Seeds that nothing else uses. */
const FIRST_SEED = 9_000_000_000

/** Plays a policy among nine servers and takes the time of each decision, ms. Runs in a browser as well. */
export function decisionTimes(
  shape: ConstructorParameters<typeof LearnedPolicy>[1],
  weights: Readonly<Record<string, ArrayLike<number>>>,
  episodes: number,
): { p50: number; p99: number; decisions: number } {
  const arrays = new Map(Object.entries(weights).map(([name, values]) => [name, Float32Array.from(values)]))
  const policy = new LearnedPolicy(mecCandidates, shape, arrays)
  const environment = new MecEnvironment({ edges: 8, cloudHz: 4e9, edgeHz: 2e9 })
  const times: number[] = []
  for (let episode = 0; episode < episodes; episode++) {
    environment.reset({ seed: FIRST_SEED + episode })
    const preference = [(episode % 11) / 10, 1 - (episode % 11) / 10]
    for (let over = false; !over; ) {
      const startMs = performance.now()
      const action = policy.act(environment.observation, preference)
      times.push(performance.now() - startMs)
      over = environment.step(action).truncated
    }
  }
  times.sort((a, b) => a - b)
  const at = (share: number) => times[Math.floor(share * (times.length - 1))]!
  return { p50: at(0.5), p99: at(0.99), decisions: times.length }
}
