import { linkMs } from '../arrival.ts'
import { type DevicePower, frameEnergyJ, raspberryPiPower } from '../device-power.ts'
import { policyError } from '../errors.ts'
import type { ModeEstimate, Observation, Plan, Policy } from '../plan.ts'
import {
  isRemote,
  isSafeLocal,
  isUsable,
  likeliest,
  type Prospect,
  planFor,
  prospectsOf,
} from '../prospect.ts'
import { DEVICE_OBJECTIVES, writeDeviceWeights } from './device-weights.ts'
import { SoundWeights } from './sound-weights.ts'

export interface WeightedOptions {
  /** Joule that count as much as a whole deadline of delay. */
  readonly energyUnitJ?: number
  /** Share of wrong answers that counts as much. */
  readonly errorUnit?: number
  /** A mode is in time when it is so with this probability. */
  readonly inTimeProbability?: number
  /** At most every so many frames, one goes to a remote mode that has not been used for long. 0: never. */
  readonly probeEvery?: number
  /** That long, in ms. */
  readonly staleMs?: number
}

const defaults: Required<WeightedOptions> = {
  energyUnitJ: 1 / 30,
  errorUnit: 1 / 4,
  inTimeProbability: 0.9,
  probeEvery: 25,
  staleMs: 20_000,
}

/** Least chance of being in time that a probe may have where no local answer steps in. */
const PROBE_CHANCE = 0.5

/**
 * Greedy-ω on a device: of the modes that are in time, the one with the least expected
 *
 *     ω_delay · delay / deadline + ω_energy · energy / unit + ω_accuracy · error / unit
 *
 * What is not in time costs the whole deadline, and the local answer that steps in. The preference of each observation counts at once;
 * without one the three weigh alike, and one that is not sound is replaced by the last that was. Modes without `energyJ` are taken
 * for those of a Raspberry Pi. When nothing is in time: the quickest way.
 *
 * `decide` throws IsthmusError `NO_MODES`. Throws `BAD_OPTION` that names the field.
 */
export function weightedPolicy(options: WeightedOptions = {}): WeightedPolicy {
  return new WeightedPolicy(options)
}

export class WeightedPolicy implements Policy {
  readonly #options: Required<WeightedOptions>
  readonly #weights = new SoundWeights(DEVICE_OBJECTIVES.length)
  readonly #asked = new Float64Array(DEVICE_OBJECTIVES.length)
  readonly #usedMs = new Map<number, number>()
  #sinceProbe = 0

  constructor(options: WeightedOptions) {
    this.#options = checked(options)
  }

  /** Preferences that were not sound. */
  get counts(): { readonly badPreference: number } {
    return { badPreference: this.#weights.refused }
  }

  decide(observation: Observation): Plan {
    const { modes, preference, nowMs } = observation
    if (modes.length === 0) {
      throw policyError('NO_MODES', 'The observation lists no modes; a bundle has at least one.')
    }
    writeDeviceWeights(preference, this.#asked)
    this.#weights.take(this.#asked)
    const usable = modes.filter((mode) => isUsable(mode, observation))
    const candidates = usable.length > 0 ? usable : modes
    const prospects = prospectsOf(candidates, observation, undefined, { latePenalty: 0, margin: 0 })
    const isProbing = this.#isProbeDue()
    const probe = isProbing ? this.#staleRemote(prospects, observation) : undefined
    if (probe) return this.#take(planFor(probe, `probe: mode ${probe.mode.mode} was not used lately`), nowMs)
    const plan = this.#take(this.#choose(prospects, observation), nowMs)
    const local = modes.find(({ route }) => route === 'local')
    if (!isProbing || !local || plan.route === 'local' || !this.#isStale(local.mode, nowMs)) return plan
    this.#usedMs.set(local.mode, nowMs)
    this.#sinceProbe = 0
    return { ...plan, probeLocal: true }
  }

  #choose(prospects: readonly Prospect[], observation: Observation): Plan {
    const { inTimeProbability } = this.#options
    const local = prospects
      .filter(isSafeLocal)
      .reduce<Prospect | undefined>((a, b) => (a && a.mode.accuracy >= b.mode.accuracy ? a : b), undefined)
    let best: Prospect | undefined
    let least = Number.POSITIVE_INFINITY
    for (const prospect of prospects) {
      if (!(prospect.inTime >= inTimeProbability)) continue
      const cost = this.#costOf(prospect, local?.mode, observation)
      if (cost >= least) continue
      best = prospect
      least = cost
    }
    if (best) return planFor(best, 'least expected cost by the preference')
    return planFor(likeliest(prospects), 'nothing is likely to be in time: quickest way taken')
  }

  #costOf(
    { mode, arrival, inTime, accuracy }: Prospect,
    local: ModeEstimate | undefined,
    { deadlineMs, link }: Observation,
  ): number {
    const { energyUnitJ, errorUnit } = this.#options
    const [delay, energy, error] = this.#weights.values
    const late = 1 - inTime
    const waitMs = inTime * Math.min(arrival.medianMs, deadlineMs) + late * deadlineMs
    const insteadJ = local && isRemote(mode) ? late * energyOf(local, link) : 0
    return (
      (delay! * waitMs) / deadlineMs +
      (energy! * (energyOf(mode, link) + insteadJ)) / energyUnitJ +
      (error! * (1 - accuracy)) / errorUnit
    )
  }

  #isProbeDue(): boolean {
    const { probeEvery } = this.#options
    return probeEvery > 0 && this.#sinceProbe++ >= probeEvery
  }

  /** The remote mode that has been idle longest, if the link can carry it in time. */
  #staleRemote(
    prospects: readonly Prospect[],
    { nowMs, deadlineMs, link }: Observation,
  ): Prospect | undefined {
    const hasLocal = prospects.some(isSafeLocal)
    let due: Prospect | undefined
    for (const prospect of prospects) {
      const { mode, inTime } = prospect
      if (!isRemote(mode) || !this.#isStale(mode.mode, nowMs)) continue
      if (hasLocal ? linkMs(mode, link) > deadlineMs : inTime < PROBE_CHANCE) continue
      if (!due || this.#lastUseMs(mode.mode) < this.#lastUseMs(due.mode.mode)) due = prospect
    }
    if (due) this.#sinceProbe = 0
    return due
  }

  #isStale(mode: number, nowMs: number): boolean {
    return nowMs - this.#lastUseMs(mode) >= this.#options.staleMs
  }

  #lastUseMs(mode: number): number {
    return this.#usedMs.get(mode) ?? Number.NEGATIVE_INFINITY
  }

  #take(plan: Plan, nowMs: number): Plan {
    this.#usedMs.set(plan.mode, nowMs)
    return plan
  }
}

function energyOf(
  mode: ModeEstimate,
  link: Observation['link'],
  power: DevicePower = raspberryPiPower,
): number {
  return mode.energyJ ?? frameEnergyJ(power, mode, link) ?? 0
}

function checked(options: WeightedOptions): Required<WeightedOptions> {
  const given = Object.entries(options).filter(([, value]) => value !== undefined)
  const settings = { ...defaults, ...Object.fromEntries(given) }
  for (const [field, value] of Object.entries(settings) as [keyof WeightedOptions, unknown][]) {
    if (!(field in defaults)) throw policyError('BAD_OPTION', `weightedPolicy: ${field} is not an option`)
    const isUnit = field === 'energyUnitJ' || field === 'errorUnit'
    const most = field === 'inTimeProbability' ? 1 : 1e9
    if (typeof value === 'number' && value >= 0 && value <= most && !(isUnit && value === 0)) continue
    const range = isUnit ? 'above 0' : `from 0 to ${most}`
    throw policyError(
      'BAD_OPTION',
      `weightedPolicy: ${field} must be a number ${range}, got ${String(value)}`,
    )
  }
  return settings
}
