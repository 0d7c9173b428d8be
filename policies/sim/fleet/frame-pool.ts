/** Frames on their way to a server or there, by slot; slots are used again. */
export class FramePool {
  device: Int32Array
  /** Action that placed the frame. */
  action: Int32Array
  bornS: Float64Array
  /** Deadline. */
  lateS: Float64Array
  /** When it had left the radio. */
  sentS: Float64Array
  /** Time of its tail at its server alone. */
  serviceS: Float64Array
  /** 1 for slots in use. */
  used: Uint8Array
  private free: Int32Array
  private freeCount: number
  private capacity: number

  constructor(capacity = 1024) {
    this.capacity = capacity
    this.device = new Int32Array(capacity)
    this.action = new Int32Array(capacity)
    this.bornS = new Float64Array(capacity)
    this.lateS = new Float64Array(capacity)
    this.sentS = new Float64Array(capacity)
    this.serviceS = new Float64Array(capacity)
    this.used = new Uint8Array(capacity)
    this.free = Int32Array.from({ length: capacity }, (_, at) => capacity - 1 - at)
    this.freeCount = capacity
  }

  take(): number {
    if (this.freeCount === 0) this.grow()
    const slot = this.free[--this.freeCount]!
    this.used[slot] = 1
    return slot
  }

  release(slot: number): void {
    this.used[slot] = 0
    this.free[this.freeCount++] = slot
  }

  private grow(): void {
    const before = this.capacity
    this.capacity *= 2
    const whole = (old: Int32Array) => {
      const grown = new Int32Array(this.capacity)
      grown.set(old)
      return grown
    }
    const real = (old: Float64Array) => {
      const grown = new Float64Array(this.capacity)
      grown.set(old)
      return grown
    }
    this.device = whole(this.device)
    this.action = whole(this.action)
    this.bornS = real(this.bornS)
    this.lateS = real(this.lateS)
    this.sentS = real(this.sentS)
    this.serviceS = real(this.serviceS)
    const used = new Uint8Array(this.capacity)
    used.set(this.used)
    this.used = used
    this.free = new Int32Array(this.capacity)
    for (let at = 0; at < before; at++) this.free[at] = this.capacity - 1 - at
    this.freeCount = before
  }
}
