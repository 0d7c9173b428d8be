import type { RandomStream } from '../env/index.ts'

/** Gumbel noise: added to scores, the highest is each place by the probability that the softmax of the scores gives it. */
export const gumbel = (random: RandomStream): number => -Math.log(-Math.log(1 - random.uniform()))
