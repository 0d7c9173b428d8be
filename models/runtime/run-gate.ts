const IDLE = 0
const BUSY = 1
const SHUT = 2

/**
 * Ending a thread while ONNX Runtime computes in it aborts the whole process (its binding throws where nobody can
 * catch). So a thread enters this gate, which lies in memory shared with its owner, before every native call, and the
 * owner shuts the gate before the thread may be ended.
 */
export class RunGate {
  readonly #state: Int32Array<SharedArrayBuffer>

  /** `shared` is the owner's {@link RunGate.memory}, or nothing for a new gate, which is entered: a thread loads first. */
  constructor(shared?: SharedArrayBuffer) {
    this.#state = new Int32Array(shared ?? new SharedArrayBuffer(4))
    if (!shared) this.#state[0] = BUSY
  }

  get memory(): SharedArrayBuffer {
    return this.#state.buffer
  }

  /** For the thread: true when it may compute, false when it is about to be ended. */
  enter(): boolean {
    return Atomics.compareExchange(this.#state, 0, IDLE, BUSY) !== SHUT
  }

  /** For the thread: it no longer computes. */
  leave(): void {
    Atomics.compareExchange(this.#state, 0, BUSY, IDLE)
    Atomics.notify(this.#state, 0)
  }

  /** For the owner: waits, blocking, until the thread does not compute, and keeps it from starting again. */
  shut(timeoutMs: number): boolean {
    while (Atomics.compareExchange(this.#state, 0, IDLE, SHUT) === BUSY) {
      if (Atomics.wait(this.#state, 0, BUSY, timeoutMs) === 'timed-out') return false
    }
    return true
  }
}
