import type { PolicyNetwork } from '../collect/collector-jobs.ts'
import type { Collectors } from '../collect/collectors.ts'
import type { EpisodeOptions, Episodes } from './episodes.ts'

/** Episodes of one job: small enough that all collectors end a round together. */
export const JOB = 20

/** How the episodes of a round are shared out: the first of each job, and how many. */
export const jobsOf = (round: number, episodes: number): { firstEpisode: number; episodes: number }[] =>
  Array.from({ length: Math.ceil(episodes / JOB) }, (_, job) => ({
    firstEpisode: round * episodes + job * JOB,
    episodes: Math.min(JOB, episodes - job * JOB),
  }))

/**
 * Rounds of episodes for a learner. While a round is learnt from, the next is collected with the policy as it was before: so a
 * training depends on its recipe alone, and not on which thread is faster.
 */
export function episodeRounds(
  { rounds, episodes }: { readonly rounds: number; readonly episodes: number },
  collectors: Collectors,
  seed: number,
  playing: Pick<EpisodeOptions, 'temperature' | 'wandering' | 'spread'>,
) {
  let round = 0
  let coming: Promise<Episodes>[] = []
  const collect = (policy: PolicyNetwork) => {
    coming = jobsOf(round++, episodes).map((job) =>
      collectors.ask({ kind: 'episodes', policy, options: { seed, ...playing, ...job } }),
    )
    // A round that is given up is nobody's to wait for.
    for (const job of coming) job.catch(() => undefined)
  }
  return {
    begin: collect,
    /** The round's episodes; the next round begins with `policy`. */
    async next(policy: PolicyNetwork): Promise<Episodes[]> {
      const collected = await Promise.all(coming)
      if (round < rounds) collect(policy)
      return collected
    },
  }
}
