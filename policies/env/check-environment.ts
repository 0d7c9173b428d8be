import type { Environment, StepResult } from './environment.ts'
import { RandomStream } from './random-stream.ts'

export interface CheckOptions {
  readonly episodes?: number
  /** Steps after which an episode that has not ended counts as endless. */
  readonly maxSteps?: number
  readonly seed?: number
}

/**
 * Runs an environment through what learners and benches rely on, with random valid actions. Returns what is wrong with it, a
 * sentence each; nothing when all is well.
 */
export function checkEnvironment<Observation, Info>(
  make: () => Environment<Observation, Info>,
  { episodes = 5, maxSteps = 10_000, seed = 1 }: CheckOptions = {},
): string[] {
  const faults = new Set<string>()
  const environment = make()
  checkDescription(environment, faults)
  if (faults.size > 0) return [...faults]
  if (!throws(() => make().step(0))) faults.add('step() before the first reset() does not throw')
  for (let episode = 0; episode < episodes; episode++) {
    const first = playOnce(environment, seed + episode, maxSteps, faults)
    const again = playOnce(make(), seed + episode, maxSteps, faults)
    if (first !== again) faults.add('the same seed and actions do not give the same episode')
  }
  return [...faults]
}

function checkDescription<O, I>(environment: Environment<O, I>, faults: Set<string>): void {
  const { name, observationVersion, actionCount, rewardSpace } = environment
  const { names, low, high } = rewardSpace
  if (!name) faults.add('name is empty')
  if (!observationVersion) faults.add('observationVersion is empty')
  if (!(Number.isInteger(actionCount) && actionCount >= 1)) faults.add(`actionCount is ${actionCount}`)
  if (names.length < 1) faults.add('rewardSpace names no objective')
  if (low.length !== names.length || high.length !== names.length) {
    faults.add(`rewardSpace has ${names.length} names, ${low.length} low and ${high.length} high bounds`)
  }
  if (low.some((bound, at) => !(bound <= high[at]!)))
    faults.add('rewardSpace: a low bound exceeds its high bound')
}

/** Plays one episode; returns all that was seen as text. */
function playOnce<O, I>(
  environment: Environment<O, I>,
  seed: number,
  maxSteps: number,
  faults: Set<string>,
): string {
  const random = new RandomStream(seed)
  const mask = new Uint8Array(environment.actionCount)
  const seen = [JSON.stringify(environment.reset({ seed }).observation)]
  for (let steps = 0; ; steps++) {
    if (steps === maxSteps) {
      faults.add(`an episode had not ended after ${maxSteps} steps`)
      break
    }
    const action = randomAction(environment, mask, random, faults)
    if (action === undefined) break
    const result = environment.step(action)
    checkStep(environment, result, faults)
    seen.push(JSON.stringify([result.observation, [...result.reward], result.terminated, result.truncated]))
    if (result.terminated || result.truncated) {
      if (!throws(() => environment.step(action)))
        faults.add('step() after the end of an episode does not throw')
      break
    }
  }
  return seen.join('\n')
}

function randomAction<O, I>(
  environment: Environment<O, I>,
  mask: Uint8Array,
  random: RandomStream,
  faults: Set<string>,
): number | undefined {
  const count = environment.validActions(mask)
  const valid = [...mask.keys()].filter((action) => mask[action] === 1)
  if (valid.length !== count) faults.add(`validActions() returns ${count} and marks ${valid.length}`)
  if (mask.some((mark) => mark > 1)) faults.add('validActions() marks with other numbers than 0 and 1')
  if (valid.length === 0) faults.add('no action is valid although the episode goes on')
  const invalid = [...mask.keys(), mask.length, -1, 0.5, Number.NaN].filter((action) => mask[action] !== 1)
  for (const action of invalid) {
    if (!throws(() => environment.step(action))) faults.add(`step() takes the invalid action ${action}`)
  }
  return valid[random.below(valid.length)]
}

function checkStep<O, I>(
  { rewardSpace }: Environment<O, I>,
  { reward, terminated, truncated }: StepResult<O, I>,
  faults: Set<string>,
): void {
  const { names, low, high } = rewardSpace
  if (!(reward instanceof Float64Array)) faults.add('the reward is no Float64Array')
  if (reward.length !== names.length)
    faults.add(`the reward has ${reward.length} numbers for ${names.length} objectives`)
  for (const [at, value] of reward.entries()) {
    if (Number.isNaN(value)) faults.add(`the reward of ${names[at]} is NaN`)
    if (value < low[at]! || value > high[at]!) faults.add(`a reward of ${names[at]} lies outside rewardSpace`)
  }
  if (typeof terminated !== 'boolean' || typeof truncated !== 'boolean') {
    faults.add('terminated and truncated are not both boolean')
  }
}

function throws(call: () => unknown): boolean {
  try {
    call()
    return false
  } catch {
    return true
  }
}
