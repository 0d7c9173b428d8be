import { expectedS, type OffloadObservation } from '../env/index.ts'

/** Version of the rows; a policy reads those that it was trained on. */
export const OFFLOAD_ROWS = 'offload-rows/1'

/** Numbers of a row. */
export const ROW = 15

/** Where in a row its chance is. */
export const CHANCE = 9

/** Times beyond this many deadlines look alike. */
const MOST = 4

/**
 * Writes an observation as one row a place, `[places, ROW]`. Times are parts of the deadline; the first number is what the
 * place is on its face, minus the expected time.
 *
 * @param chance `[places]`, from −1 to 1: what tells agents apart that see the same; others hear of it
 */
export function writeRows(
  seen: OffloadObservation,
  chance: ArrayLike<number>,
  rows: Float32Array,
  rowsAt: number,
): void {
  const part = (seconds: number) => Math.min(MOST, Math.max(0, seconds / seen.deadlineS)) || 0
  for (let place = 0; place < seen.places; place++) {
    const at = rowsAt + place * ROW
    rows.fill(0, at, at + ROW)
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
  }
}
