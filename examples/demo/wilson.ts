/**
 * The 95 % interval of a proportion, 0..1, by Wilson's score (E. B. Wilson, Probable inference, 1927); unlike the
 * normal approximation it stays inside 0..1 and holds for few trials.
 */
export function wilsonInterval(successes: number, trials: number): readonly [number, number] {
  if (trials === 0) return [0, 1]
  const z = 1.959964
  const p = successes / trials
  const denominator = 1 + z ** 2 / trials
  const centre = (p + z ** 2 / (2 * trials)) / denominator
  const half = (z * Math.sqrt((p * (1 - p)) / trials + z ** 2 / (4 * trials ** 2))) / denominator
  return [Math.max(0, centre - half), Math.min(1, centre + half)]
}
