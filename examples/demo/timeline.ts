const levels = ' ▁▂▃▄▅▆▇█'

/**
 * How many of the times fall into each slice of `totalMs`, as one bar per slice.
 * @param full what a bar of full height stands for
 */
export function bars(timesMs: readonly number[], totalMs: number, slices: number, full: number): string {
  const counts = new Array<number>(slices).fill(0)
  for (const ms of timesMs) {
    const slice = Math.min(slices - 1, Math.floor((slices * ms) / totalMs))
    counts[slice]!++
  }
  return counts
    .map((count) => levels[count === 0 ? 0 : Math.min(8, Math.max(1, Math.round((8 * count) / full)))])
    .join('')
}

/** Words below a timeline, each beginning at its time; one that does not fit any more is moved to the right. */
export function marks(
  events: readonly (readonly [string, number])[],
  totalMs: number,
  slices: number,
): string {
  let line = ''
  for (const [word, ms] of events) {
    const at = Math.floor((slices * ms) / totalMs)
    line = `${line.padEnd(at)}${line.length > at ? ' ' : ''}${word}`
  }
  return line
}
