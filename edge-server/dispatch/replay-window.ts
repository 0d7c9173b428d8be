const WINDOW = 256
const BOOTS = 2

interface Life {
  readonly boot: number
  readonly ids: Uint32Array
  count: number
}

/**
 * Remembers the last 256 request ids of a device, for its current boot and the one before it (two devices that
 * fight over one id, or a late packet from before a restart, do not wipe out the memory of the other).
 */
export class ReplayWindow {
  #lives: Life[] = []

  /** True the first time an id is shown, false when it is remembered already. */
  admit(boot: number, id: number): boolean {
    const life = this.#life(boot)
    if (life.ids.subarray(0, Math.min(life.count, WINDOW)).includes(id)) return false
    life.ids[life.count % WINDOW] = id
    life.count++
    return true
  }

  #life(boot: number): Life {
    const known = this.#lives.find((life) => life.boot === boot)
    if (known) return known
    const life = { boot, ids: new Uint32Array(WINDOW), count: 0 }
    this.#lives = [life, ...this.#lives].slice(0, BOOTS)
    return life
  }
}
