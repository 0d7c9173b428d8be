import { expectedDivision, expectedS, type OffloadObservation, partTimes } from '../env/index.ts'
import { RATIO_LOGIT } from './actor-shape.ts'

/** Version of the rows; a policy reads those that it was trained on. */
export const OFFLOAD_ROWS = 'offload-rows/1'

/** Numbers of a row. */
export const ROW = 15

/** Version of the rows of agents whose tasks may be divided, and their numbers: the others', then what dividing asks. */
export const DIVISION_ROWS = 'offload-rows/2'
export const DIVISION_ROW = ROW + 6

/** Where in a row its chance is. */
export const CHANCE = 9

/** Shares nearer to 0 or 1 look alike; their logits are ∓ RATIO_LOGIT. */
const FARTHEST = 0.01

/** Times beyond this many deadlines look alike. */
const MOST = 4

/**
 * Writes an observation as one row a place, `[places, row]`. Times are parts of the deadline; the first number is what the
 * place is on its face, minus the expected time; in rows for division that of the task divided as is best on its face, and the last number says
 * how, as the logit of the share.
 *
 * @param chance `[places]`, from −1 to 1: what tells agents apart that see the same; others hear of it
 * @param row numbers of a row: {@link ROW} or {@link DIVISION_ROW}
 */
export function writeRows(
  seen: OffloadObservation,
  chance: ArrayLike<number>,
  rows: Float32Array,
  rowsAt: number,
  row: number = ROW,
): void {
  const part = (seconds: number) => Math.min(MOST, Math.max(0, seconds / seen.deadlineS)) || 0
  for (let place = 0; place < seen.places; place++) {
    const at = rowsAt + place * row
    rows.fill(0, at, at + row)
    rows[at + 1] = place === 0 ? 1 : 0
    rows[at + 12] = part(seen.sentS[place]!)
    if (!seen.deciding) continue
    rows[at + 13] = 1
    rows[at + 14] = Math.max(-MOST, Math.min(MOST, seen.publishedS[place]! / seen.deadlineS)) || 0
    const expected = part(expectedS(seen, place))
    rows[at] = -expected
    rows[at + 2] = part(seen.waitS[place]!)
    rows[at + 3] = part(seen.transferS[place]!)
    rows[at + 4] = part(seen.executionS[place]!)
    rows[at + 5] = part(seen.queueS[place]!)
    rows[at + 6] = Math.min(MOST, Math.max(0, seen.sharers[place]! - 1) / 10) || 0
    rows[at + 7] = Math.min(MOST, Math.max(0, seen.energy[place]!)) || 0
    rows[at + 8] = expected > 1 ? 1 : 0
    rows[at + CHANCE] = place === 0 ? 0 : chance[place]!
    rows[at + 10] = part(seen.restS)
    rows[at + 11] = Math.min(1, Math.max(0, seen.priority)) || 0
    if (row === DIVISION_ROW) writeDivision(seen, place, rows, at, part)
  }
}

/** What a part of the task would meet on the own device, which rows of other places do not tell. */
function writeDivision(
  seen: OffloadObservation,
  place: number,
  rows: Float32Array,
  at: number,
  part: (seconds: number) => number,
): void {
  const { share, endS } = expectedDivision(seen, place)
  const { queueS, transferS, executionS } = partTimes(seen, 0)
  rows[at] = -part(endS)
  rows[at + ROW] = seen.divisible ? 1 : 0
  rows[at + ROW + 1] = part(expectedS(seen, place))
  rows[at + ROW + 2] = part(queueS)
  rows[at + ROW + 3] = part(transferS)
  rows[at + ROW + 4] = part(executionS)
  const ratio = Math.min(1 - FARTHEST, Math.max(FARTHEST, share))
  rows[at + ROW + 5] = Math.log(ratio / (1 - ratio)) / RATIO_LOGIT
}
