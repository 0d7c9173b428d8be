/** An upload that waits, and who sent it. */
export interface Upload<Pixels = Uint8Array> {
  readonly device: string
  /** Planar 8-bit RGB, [C, H, W], unless it says otherwise. */
  readonly pixels: Pixels
}

export interface FairQueueOptions {
  /** Uploads that may wait, of all devices together. */
  readonly limit: number
  /** Uploads of one device that may wait; a newer one takes the place of its oldest. */
  readonly perDevice: number
  /**
   * Times its fair share (count / active devices) that one device may have of what is taken: of n batches together that many times n, and one
   * upload; of one batch that much, rounded up. With one active device there is no bound. Default: no bound, only turns.
   */
  readonly fairness?: number
  /** How long after its last upload a device counts as active, in ms. */
  readonly activeForMs: number
  /** Devices that are remembered; of those with nothing in line the one that has been silent longest is forgotten first. Default 10,000. */
  readonly devices?: number
}

/** A queue as plain data; ages, not times, for clocks begin anew. */
export interface FairQueueState<Pixels = Uint8Array> {
  readonly devices: readonly {
    readonly device: string
    readonly silentMs: number
    readonly waiting: readonly Pixels[]
    /** Missing in states of earlier releases. */
    readonly carried?: number
  }[]
}

/** Nearly a whole upload: what a device may carry from one batch to the next, and what it begins with. */
const CARRIED = 1 - 1e-6
const DEVICES = 10_000

interface Line<Pixels> {
  readonly device: string
  heardMs: number
  readonly waiting: Pixels[]
  /** The part of an upload that it might have had of the last batch besides. */
  carried: number
}

/**
 * Uploads that wait, by device: devices take turns (fair queueing, Nagle 1987), so that one which floods delays and displaces only
 * itself. Of the batches that are taken no device gets more than `fairness` times its fair share. Where that is no whole number, the rest is
 * carried to the next batch (deficit round robin, Shreedhar and Varghese 1995): rounded up in each batch, it would be many times the share of a
 * device in a large fleet. As every training batch is taken so, the replay buffer, which holds the newest of them, obeys the same bound.
 */
export class FairQueue<Pixels = Uint8Array> {
  readonly #options: FairQueueOptions
  /** Who is to be served next comes first. */
  #lines: Line<Pixels>[] = []
  #size = 0

  constructor(options: FairQueueOptions, state?: FairQueueState<Pixels>, nowMs = 0) {
    this.#options = options
    for (const { device, silentMs, waiting, carried = CARRIED } of state?.devices ?? []) {
      this.#lines.push({ device, heardMs: nowMs - silentMs, waiting: [...waiting], carried })
      this.#size += waiting.length
    }
  }

  get size(): number {
    return this.#size
  }

  /** Devices that have something waiting or were heard of lately. */
  activeDevices(nowMs: number): number {
    this.#forgetSilent(nowMs)
    return this.#lines.length
  }

  /** Puts an upload in line. Gives how many were displaced for it: 0 or 1. */
  add({ device, pixels }: Upload<Pixels>, nowMs: number): number {
    const { perDevice, limit } = this.#options
    let line = this.#lines.find((one) => one.device === device)
    if (!line) {
      line = { device, heardMs: nowMs, waiting: [], carried: CARRIED }
      this.#lines.push(line)
      this.#forgetBeyond(line)
    }
    line.heardMs = nowMs
    line.waiting.push(pixels)
    this.#size++
    if (line.waiting.length > perDevice) return this.#displace(line)
    if (this.#size > limit) return this.#displace(this.#longest())
    return 0
  }

  /**
   * Takes `count` uploads, fewer where fewer wait (`atLeast`, default all of them), each device at most its bounded share; undefined
   * when there are not so many.
   */
  take(count: number, nowMs: number, atLeast = count): Upload<Pixels>[] | undefined {
    const active = Math.max(1, this.activeDevices(nowMs))
    const { fairness = Number.POSITIVE_INFINITY } = this.#options
    const share = active === 1 ? count : Math.min(count, (fairness * count) / active)
    const most = (line: Line<Pixels>) => Math.floor(line.carried + share)
    // Those who had left something to the others have gone: nobody could fill a batch any more.
    if (sum(this.#lines, most) < count) for (const line of this.#lines) line.carried = CARRIED
    const wanted = Math.min(
      count,
      sum(this.#lines, (line) => Math.min(most(line), line.waiting.length)),
    )
    if (wanted < Math.max(1, atLeast)) return undefined
    const taken: Upload<Pixels>[] = []
    const left = new Map(this.#lines.map((line) => [line, most(line)]))
    while (taken.length < wanted) {
      // Round by round: the next in turn that has something and has not had its share.
      const line = this.#nextInTurn(left)
      taken.push({ device: line.device, pixels: line.waiting.shift()! })
      left.set(line, left.get(line)! - 1)
    }
    for (const line of this.#lines) {
      const had = most(line) - left.get(line)!
      line.carried = Math.min(line.carried + share - had, CARRIED)
    }
    this.#size -= taken.length
    return taken
  }

  state(nowMs: number): FairQueueState<Pixels> {
    return {
      devices: this.#lines.map(({ device, heardMs, waiting, carried }) => ({
        device,
        silentMs: nowMs - heardMs,
        waiting: [...waiting],
        carried,
      })),
    }
  }

  #nextInTurn(left: ReadonlyMap<Line<Pixels>, number>): Line<Pixels> {
    const at = this.#lines.findIndex((line) => line.waiting.length > 0 && left.get(line)! > 0)
    const [line] = this.#lines.splice(at, 1)
    this.#lines.push(line!)
    return line!
  }

  #displace(line: Line<Pixels>): number {
    line.waiting.shift()
    this.#size--
    return 1
  }

  #longest(): Line<Pixels> {
    return this.#lines.reduce((longest, line) =>
      line.waiting.length > longest.waiting.length ? line : longest,
    )
  }

  /** Makes room for `added`: ids cost whoever sends them nothing. */
  #forgetBeyond(added: Line<Pixels>): void {
    if (this.#lines.length <= (this.#options.devices ?? DEVICES)) return
    const idle = this.#lines.filter((line) => line.waiting.length === 0 && line !== added)
    if (idle.length === 0) return
    const silent = idle.reduce((first, line) => (line.heardMs < first.heardMs ? line : first))
    this.#lines = this.#lines.filter((line) => line !== silent)
  }

  #forgetSilent(nowMs: number): void {
    this.#lines = this.#lines.filter(
      ({ heardMs, waiting }) => waiting.length > 0 || nowMs - heardMs <= this.#options.activeForMs,
    )
  }
}

const sum = <Item>(items: readonly Item[], of: (item: Item) => number): number =>
  items.reduce((total, item) => total + of(item), 0)
