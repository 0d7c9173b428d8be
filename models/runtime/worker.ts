import type { Session, SessionOptions } from './session.ts'
import { SessionThread } from './session-thread.ts'

/**
 * Loads a model into a worker thread of its own, so that this thread never waits for an inference. Feeds are copied
 * once (they stay the caller's), outputs are handed over without a copy. Runs are queued and answered first in, first
 * out. An idle session does not keep the process alive; `process.exit` waits for a run that has begun.
 *
 * If the thread ends before its time, all runs that wait and all later ones reject with `WORKER_DIED` (retryable with
 * a new session). A crash of native code ends the whole process: only a process of its own protects from that.
 * Throws `MODEL_UNREADABLE`, `BAD_OPTION` or `WORKER_DIED`.
 */
export function openWorkerSession(
  model: Uint8Array | string,
  options: SessionOptions = {},
): Promise<Session> {
  return new SessionThread().open(model, options)
}
