/** Which devices' retained messages are kept: those of the last `capacity` devices that set one. */
export class RetainedLimit {
  readonly #capacity: number
  readonly #topics = new Map<string, Set<string>>()

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  /**
   * Notes that a device sets (or clears) a retained message. Returns the topics to be cleared for it: those of the
   * device that has set none for longest.
   */
  keep(device: string, topic: string, set: boolean): readonly string[] {
    const topics = this.#topics.get(device) ?? new Set()
    this.#topics.delete(device)
    if (set) topics.add(topic)
    else topics.delete(topic)
    if (topics.size > 0) this.#topics.set(device, topics)
    if (this.#topics.size <= this.#capacity) return []
    const [oldest, stale] = this.#topics.entries().next().value!
    this.#topics.delete(oldest)
    return [...stale]
  }
}
