// Runs in a thread of its own: plans made with hindsight, see hindsight.ts.
import type { ThreadTask } from '@isthmus/models/train'
import type { MecEnvironment } from '@isthmus/policies/env'
import { LearnedPolicy, mecCandidates, problemOf } from '@isthmus/policies/gmorl'
import { hindsightPlan } from '@isthmus/policies/heuristics'
import { committedPolicy } from './committed.ts'

export interface HindsightInput {
  /** One of the systems that the problem is judged on. */
  readonly system: string
  readonly preferences: readonly (readonly number[])[]
  readonly firstSeed: number
  readonly episodes: number
}

/** For each preference, seconds and joules a task of the committed policy's plans, improved with knowledge of all tasks to come. */
const hindsightTask: ThreadTask<HindsightInput, number[][]> = async (input) => {
  const { system, preferences, firstSeed, episodes } = input
  const { policy } = await committedPolicy('mec')
  const make = () => problemOf({ env: 'mec' }).judging.get(system) as MecEnvironment
  const [environment, scratch] = [make(), make()]
  const learned = new LearnedPolicy(mecCandidates, policy.shape, policy.weights)
  return preferences.map((weights) => {
    const [sum, totals] = [{ tasks: 0 }, [0, 0]]
    for (let seed = firstSeed; seed < firstSeed + episodes; seed++) {
      const { tasks, sojournS, energyJ } = hindsightPlan(environment, scratch, learned, weights, { seed })
      sum.tasks += tasks
      totals[0]! += sojournS
      totals[1]! += energyJ
    }
    return totals.map((total) => total / sum.tasks)
  })
}

export default hindsightTask
