import type { PolicyNetwork } from '../collect/collector-jobs.ts'
import type { Collectors } from '../collect/collectors.ts'
import type { Episodes } from '../play/episodes.ts'
import type { FeatureRange } from './policy-manifest.ts'

/** Lowest and highest value of each number that a network has met. */
export interface SeenRange {
  readonly rows: FeatureRange
  readonly context: FeatureRange
}

/** Episodes of one job. */
const JOB = 20

export interface SeenOptions {
  readonly seed: number
  readonly episodes: number
  /** Actions are drawn by the softmax of scores / temperature: a little beside the policy's own way is seen as well. */
  readonly temperature: number
}

/** Plays the trained policy on the systems that it was trained for, and notes what it sees. */
export async function collectSeen(
  collectors: Collectors,
  policy: PolicyNetwork,
  { seed, episodes, temperature }: SeenOptions,
): Promise<SeenRange> {
  const jobs: Promise<Episodes>[] = []
  for (let first = 0; first < episodes; first += JOB) {
    const options = {
      seed,
      firstEpisode: first,
      episodes: Math.min(JOB, episodes - first),
      temperature,
    }
    jobs.push(collectors.ask({ kind: 'episodes', policy, options }))
  }
  return seenRange(await Promise.all(jobs), policy.shape)
}

/** The range of what is in episodes. */
export function seenRange(
  sets: readonly Pick<Episodes, 'rows' | 'context'>[],
  { rowLength, contextLength }: { readonly rowLength: number; readonly contextLength: number },
): SeenRange {
  return {
    rows: rangeOf(
      sets.map(({ rows }) => rows),
      rowLength,
    ),
    context: rangeOf(
      sets.map(({ context }) => context),
      contextLength,
    ),
  }
}

function rangeOf(vectors: readonly Float32Array[], length: number): FeatureRange {
  const low = new Array<number>(length).fill(Infinity)
  const high = new Array<number>(length).fill(-Infinity)
  for (const values of vectors) {
    for (let at = 0; at < values.length; at++) {
      const feature = at % length
      low[feature] = Math.min(low[feature]!, values[at]!)
      high[feature] = Math.max(high[feature]!, values[at]!)
    }
  }
  return { low, high }
}
