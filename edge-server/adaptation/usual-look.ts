export interface UsualLookSettings {
  /** Share of the other devices that must have sent something alike. More than the share of devices that may be hostile. */
  readonly support: number
  /** How far beyond what a device has sent an image still counts as alike, in shares of that range. */
  readonly margin: number
}

/**
 * What the images of a fleet look like. Each device has a range in every trait: from the lowest to the highest of its latest uploads.
 * An image is usual when it lies in the ranges of enough other devices. So a fleet may see several weathers at once, each seen by some;
 * but the few who send what nobody else sees find no support, however much they send: a device's uploads widen its own range alone,
 * and its own range does not speak for it.
 */
export class UsualLook {
  readonly #settings: UsualLookSettings
  /** Of each device the latest traits, the device heard last at the end. */
  readonly #latest: Map<string, Float64Array[]>
  readonly #ranges = new Map<string, Range>()

  constructor(settings: UsualLookSettings, state: ReadonlyMap<string, readonly Float64Array[]> = new Map()) {
    this.#settings = settings
    this.#latest = new Map([...state].map(([device, traits]) => [device, [...traits]]))
  }

  add(device: string, traits: Float64Array): void {
    const latest = [...(this.#latest.get(device) ?? []), traits].slice(-LATEST)
    this.#latest.delete(device)
    this.#latest.set(device, latest)
    this.#ranges.delete(device)
    const [longestSilent] = this.#latest.keys()
    if (this.#latest.size <= DEVICES) return
    this.#latest.delete(longestSilent!)
    this.#ranges.delete(longestSilent!)
  }

  /** Whether enough others send what looks like this; true while too few others are known. */
  isUsual(device: string, traits: Float64Array): boolean {
    let [others, alike] = [0, 0]
    for (const [other, latest] of this.#latest) {
      if (other === device || latest.length < FEWEST_UPLOADS) continue
      others++
      if (isWithin(traits, this.#rangeOf(other, latest), this.#settings.margin)) alike++
    }
    return others < FEWEST_OTHERS || alike >= this.#settings.support * others
  }

  state(): ReadonlyMap<string, readonly Float64Array[]> {
    return new Map([...this.#latest].map(([device, traits]) => [device, [...traits]]))
  }

  #rangeOf(device: string, latest: readonly Float64Array[]): Range {
    const known = this.#ranges.get(device)
    if (known) return known
    const low = latest[0]!.map((_, trait) => Math.min(...latest.map((traits) => traits[trait]!)))
    const high = latest[0]!.map((_, trait) => Math.max(...latest.map((traits) => traits[trait]!)))
    this.#ranges.set(device, { low, high })
    return { low, high }
  }
}

interface Range {
  readonly low: Float64Array
  readonly high: Float64Array
}

const LATEST = 16
const DEVICES = 1024
/** With fewer, a device has no range yet. */
const FEWEST_UPLOADS = 4
const FEWEST_OTHERS = 4

const isWithin = (traits: Float64Array, { low, high }: Range, margin: number): boolean =>
  traits.every((value, trait) => {
    const beyond = margin * (high[trait]! - low[trait]!)
    return value >= low[trait]! - beyond && value <= high[trait]! + beyond
  })
