/**
 * What one part of a divided task has ahead of it on its host, if the whole of the task went there: all of it is known to the cost
 * model, and the share of the task scales transfer and work.
 */
export interface PartTimes {
  /** Seconds until the host is through with what it has. */
  readonly queueS: number
  /** Seconds before its transfer can begin, whatever its size, and those of the transfer of the whole. */
  readonly waitS: number
  readonly transferS: number
  /** Seconds of the whole on the host, and of its way back. */
  readonly executionS: number
  readonly returnS: number
}

/** A share of a task, and when it would be done, s. */
export interface Division {
  /** Share that goes to the server, from 0 to 1. */
  readonly share: number
  readonly endS: number
}

/** Parts smaller than this are not worth their trouble: tasks are divided so that neither part is, or run whole. */
export const LEAST_SHARE = 1 / 32

/** Seconds until a part is done that is `share` of the task. */
export const partEndS = (
  { queueS, waitS, transferS, executionS, returnS }: PartTimes,
  share: number,
): number => Math.max(queueS, waitS + share * transferS) + share * executionS + share * returnS

/** Seconds until both parts of a task are done. */
export function dividedEndS(server: PartTimes, device: PartTimes, share: number): number {
  if (share >= 1) return partEndS(server, 1)
  if (share <= 0) return partEndS(device, 1)
  return Math.max(partEndS(server, share), partEndS(device, 1 - share))
}

/**
 * The share of a task for a server by which it is done first while the device runs the rest, at least {@link LEAST_SHARE}; 1
 * where dividing gains nothing. The server's part is done ever later with the share, by the later of two lines, and the device's ever
 * sooner, so that the best is where they meet.
 */
export function bestShare(server: PartTimes, device: PartTimes): Division {
  const whole = { share: 1, endS: partEndS(server, 1) }
  const share = Math.min(1 - LEAST_SHARE, Math.max(LEAST_SHARE, meetingShare(server, device)))
  const endS = dividedEndS(server, device, share)
  return endS < whole.endS ? { share, endS } : whole
}

function meetingShare(server: PartTimes, device: PartTimes): number {
  const here = linesOf(server)
  // The device's lines fall with the share: what they come to at 1, and how fast.
  return Math.max(
    ...linesOf(device).map(([least, fall]) =>
      Math.min(
        ...here.map(([first, rise]) => {
          const slope = rise + fall
          return slope > 0 ? (least + fall - first) / slope : least > first ? 1 : 0
        }),
      ),
    ),
  )
}

/** The two lines, value at nothing and slope, the later of which says when a part is done. */
const linesOf = ({ queueS, waitS, transferS, executionS, returnS }: PartTimes) =>
  [
    [queueS, executionS + returnS],
    [waitS, transferS + executionS + returnS],
  ] as const
