import { runInThread } from '@isthmus/models/train'
import { cornerOf, type FrontComparison, volumeBelow } from '@isthmus/policies/gmorl'
import type { SuiteContext } from '../suite.ts'
import type { HindsightInput } from './hindsight-task.ts'

/** How much of what knowing the future is worth a policy has without knowing it. */
export interface HeadRoom {
  readonly system: string
  /** Hypervolume over greedy-ω's (its corners the reference). */
  readonly learned: number
  readonly hindsight: number
  /** Share of the gap between greedy-ω and hindsight that the policy closes. */
  readonly closed: number
}

/**
 * Greedy-ω and the policy as they have played the first seed set, and the policy's own plans for the same episodes under the same preferences,
 * improved with knowledge of all tasks to come.
 */
export async function measureHeadRoom(
  fronts: readonly FrontComparison[],
  played: Omit<HindsightInput, 'system'>,
  { quick, threads, say }: SuiteContext,
): Promise<HeadRoom[]> {
  const rooms: HeadRoom[] = []
  for (const system of quick ? ['E=1'] : ['E=3', 'E=8']) {
    const { policy, rule } = fronts.find((front) => front.system === system)!
    const known = await hindsightFront({ ...played, system }, threads)
    const [learned, greedy] = [policy[0]!, rule[0]!]
    const reference = cornerOf(greedy)
    const over = (front: typeof learned) => volumeBelow(front, reference) / volumeBelow(greedy, reference)
    const room = { system, learned: over(learned), hindsight: over(known) }
    say(`${system}: hypervolume ${room.learned.toFixed(4)}, with hindsight ${room.hindsight.toFixed(4)}`)
    rooms.push({ ...room, closed: (room.learned - 1) / (room.hindsight - 1) })
  }
  return rooms
}

/** Neighbouring preferences take about as long: each thread has every so many of them. */
async function hindsightFront(input: HindsightInput, threads: number): Promise<number[][]> {
  const { preferences } = input
  const parts = await Promise.all(
    Array.from({ length: threads }, (_, thread) => {
      const own = preferences.filter((_, at) => at % threads === thread)
      const module = new URL('./hindsight-task.js', import.meta.url)
      return runInThread<number[][]>(module, { ...input, preferences: own } satisfies HindsightInput)
    }),
  )
  return preferences.map((_, at) => parts[at % threads]![Math.floor(at / threads)]!)
}
