import type { FrameMode } from './frame-mode.ts'

/** Bytes of a request beyond its payload. */
export const ENVELOPE_BYTES = 60

/** A place for a frame: what an action stands for. */
export interface Candidate {
  readonly mode: FrameMode
  /** −1 for local. */
  readonly server: number
}

/** Candidates in the order of the actions: mode after mode, a remote one at each server in turn. */
export function candidatesOf(modes: readonly FrameMode[], servers: number): Candidate[] {
  return modes.flatMap((mode) =>
    mode.route === 'local'
      ? [{ mode, server: -1 }]
      : Array.from({ length: servers }, (_, server) => ({ mode, server })),
  )
}
