const WINDOW = 256
const BOOTS = 2

interface Life {
  readonly boot: number
  readonly ids: Uint32Array
  count: number
}

/** What a window remembers, as plain data: by boot, the newest first; ids as they came. */
export type ReplayState = readonly { readonly boot: number; readonly ids: readonly number[] }[]

/**
 * Remembers the last 256 request ids of a device, for its current boot and the one before it (two devices that
 * fight over one id, or a late packet from before a restart, do not wipe out the memory of the other).
 */
export class ReplayWindow {
  #lives: Life[]

  constructor(state: ReplayState = []) {
    this.#lives = state.slice(0, BOOTS).map(({ boot, ids }) => {
      const life = { boot, ids: new Uint32Array(WINDOW), count: Math.min(ids.length, WINDOW) }
      life.ids.set(ids.slice(-WINDOW))
      return life
    })
  }

  /** True the first time an id is shown, false when it is remembered already. */
  admit(boot: number, id: number): boolean {
    const life = this.#life(boot)
    if (life.ids.subarray(0, Math.min(life.count, WINDOW)).includes(id)) return false
    life.ids[life.count % WINDOW] = id
    life.count++
    return true
  }

  /** What it remembers. */
  state(): ReplayState {
    return this.#lives.map(({ boot, ids, count }) => ({ boot, ids: inOrder(ids, count) }))
  }

  #life(boot: number): Life {
    const known = this.#lives.find((life) => life.boot === boot)
    if (known) return known
    const life = { boot, ids: new Uint32Array(WINDOW), count: 0 }
    this.#lives = [life, ...this.#lives].slice(0, BOOTS)
    return life
  }
}

const inOrder = (ids: Uint32Array, count: number): number[] => {
  const oldest = count > WINDOW ? count % WINDOW : 0
  return [...ids.subarray(oldest, Math.min(count, WINDOW)), ...ids.subarray(0, oldest)]
}
