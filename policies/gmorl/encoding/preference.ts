import type { RandomStream } from '../../env/index.ts'

/** Bound of what stands for a far worse candidate, in units of weighted cost. */
const WORST = 20
/** Bound of logarithms of exchange rates. */
const FAR = 8

/** Where an encoding's own numbers begin in the context. */
export const contextStart = (objectives: number): number => 4 * objectives - 2

/** Where an encoding's own numbers begin in a row. */
export const rowStart = (objectives: number): number => 1 + objectives

/**
 * Writes what one candidate costs more than the best, log(1 + regret / unit) for each objective, to its row, and for the whole
 * situation how the units compare, to the context.
 *
 * @param costs what each candidate costs by each objective, minus its reward, `[candidates, objectives]`, finite
 * @param units of each objective's reward, above 0
 */
export function writeRegrets(
  costs: Float64Array,
  units: Float64Array,
  candidates: number,
  rows: Float32Array,
  rowsAt: number,
  rowLength: number,
  context: Float32Array,
  contextAt: number,
): void {
  const objectives = units.length
  for (let objective = 0; objective < objectives; objective++) {
    let least = Infinity
    for (let at = objective; at < candidates * objectives; at += objectives)
      least = Math.min(least, costs[at]!)
    for (let candidate = 0; candidate < candidates; candidate++) {
      const regret = (costs[candidate * objectives + objective]! - least) / units[objective]!
      rows[rowsAt + candidate * rowLength + 1 + objective] = Math.log1p(regret)
    }
    if (objective > 0) {
      context[contextAt + 3 * objectives - 2 + objective] =
        bounded(Math.log(units[objective]! / units[0]!)) / 4
    }
  }
}

/**
 * Writes what depends on the preference: ω, each objective's share of the weighted units and their logarithms to the context,
 * the weighted regret (0 for the best, lower for others) to each row. A stored observation can so be seen under another
 * preference (hindsight relabelling).
 *
 * @param weights ω, one an objective
 */
export function weigh(
  weights: ArrayLike<number>,
  candidates: number,
  rows: Float32Array,
  rowsAt: number,
  rowLength: number,
  context: Float32Array,
  contextAt: number,
): void {
  const objectives = weights.length
  let total = 0
  for (let objective = 0; objective < objectives; objective++) {
    const unit = objective === 0 ? 1 : Math.exp(4 * context[contextAt + 3 * objectives - 2 + objective]!)
    context[contextAt + objective] = weights[objective]!
    const share = weights[objective]! * unit
    context[contextAt + objectives + objective] = share
    total += share
  }
  for (let objective = 0; objective < objectives; objective++) {
    const at = contextAt + objectives + objective
    context[at] = context[at]! / total
    if (objective > 0) {
      const rate = Math.log((context[at]! + 1e-9) / (context[contextAt + objectives]! + 1e-9))
      context[contextAt + 2 * objectives - 1 + objective] = bounded(rate) / 4
    }
  }
  let least = Infinity
  for (let candidate = 0; candidate < candidates; candidate++) {
    const at = rowsAt + candidate * rowLength
    let cost = 0
    for (let objective = 0; objective < objectives; objective++) {
      cost += context[contextAt + objectives + objective]! * Math.expm1(rows[at + 1 + objective]!)
    }
    rows[at] = cost
    least = Math.min(least, cost)
  }
  for (let at = rowsAt; at < rowsAt + candidates * rowLength; at += rowLength) {
    rows[at] = -Math.min(WORST, rows[at]! - least)
  }
}

const bounded = (value: number): number => Math.max(-FAR, Math.min(FAR, value))

/**
 * Draws a preference where the trade-off lies: the shares of the objectives, each taken in its own unit, spread over orders of
 * magnitude (a uniform ω would spend most of training where one objective rules); now and then a corner, or a uniform ω.
 *
 * @param units of each objective
 * @param weights written: ω with sum 1
 * @param spread logarithms of the shares are drawn from −spread to spread, before they are normalised
 */
export function samplePreference(
  random: RandomStream,
  units: ArrayLike<number>,
  weights: Float64Array,
  spread = SPREAD,
): void {
  const objectives = weights.length
  const kind = random.uniform()
  if (kind < CORNERS) {
    weights.fill(0)
    weights[random.below(objectives)] = 1
    return
  }
  let total = 0
  for (let objective = 0; objective < objectives; objective++) {
    weights[objective] =
      kind < CORNERS + UNIFORM
        ? random.exponential(1)
        : Math.exp(random.between(-spread, spread)) / units[objective]!
    total += weights[objective]!
  }
  for (let objective = 0; objective < objectives; objective++) weights[objective]! /= total
}

const CORNERS = 0.08
const UNIFORM = 0.1
const SPREAD = 3
