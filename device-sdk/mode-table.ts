import type { Manifest, Mode } from '@isthmus/models/bundle'
import {
  type DevicePower,
  frameEnergyJ,
  type LinkEstimate,
  type ModeEstimate,
  type ModeTimes,
  type Route,
  type StageTimes,
} from '@isthmus/policies'
import { deviceError } from './errors.ts'

/** Bytes of a request beyond its payload. */
const ENVELOPE_BYTES = 60

/**
 * Order in which routes are trusted when the manifest gives no accuracy: bigger networks know more. A bundle whose
 * local network is the whole one is as good on the device as at the edge.
 */
const presumed: Record<Route, number> = { local: 0.5, split: 0.6, edge: 0.7, skip: 0 }

/** Names under which stage times are kept; server stages differ from mode to mode. */
export const stageNames = {
  encode: (mode: number) => `encode:${mode}`,
  server: (mode: number) => `server:${mode}`,
}

/** The modes of a bundle that this device can run, with their measured costs. */
export class ModeTable {
  readonly modes: readonly Mode[]
  readonly #manifest: Manifest
  readonly #power: DevicePower
  readonly #first: readonly string[]

  /** `first`: the stages that every frame goes through, whatever its mode. */
  constructor(
    manifest: Manifest,
    has: { local: boolean; head: boolean; narrowHead?: boolean },
    power: DevicePower,
    first: readonly string[] = [],
  ) {
    this.#manifest = manifest
    this.#power = power
    this.#first = first
    this.modes = manifest.modes.filter((mode) => {
      if (mode.route === 'local') return has.local
      return mode.route === 'edge' || has[mode.head ?? 'head']
    })
    if (this.modes.length === 0) {
      throw deviceError('BAD_BUNDLE', `${manifest.name} has no mode that a device can run.`)
    }
  }

  get local(): Mode | undefined {
    return this.modes.find(({ route }) => route === 'local')
  }

  /** The mode asked for: by number, or the most accurate one of a route. Throws UNKNOWN_MODE. */
  find(route: Route | undefined, id: number | undefined): Mode {
    const fits = this.modes.filter(
      (mode) => (id === undefined || mode.id === id) && (!route || mode.route === route),
    )
    const best = fits.sort((a, b) => this.#accuracyOf(b) - this.#accuracyOf(a))[0]
    if (best) return best
    const asked = [id === undefined ? '' : `mode ${id}`, route ? `route ${route}` : '']
      .filter(Boolean)
      .join(' on ')
    const known = this.modes.map((mode) => `${mode.id} (${mode.route})`).join(', ')
    throw deviceError('UNKNOWN_MODE', `This device has no ${asked}; it has: ${known}.`)
  }

  #accuracyOf({ route, accuracy }: Mode): number {
    const { local, full } = this.#manifest.models
    const whole = route === 'local' && local?.sha256 === full?.sha256
    return accuracy ?? presumed[whole ? 'edge' : route]
  }

  /** What each mode costs now. `localBacklog`: local runs queued before this frame's. */
  estimates(
    times: StageTimes,
    localBacklog: number,
    link: LinkEstimate | undefined,
    allowed: (mode: Mode) => boolean,
  ): ModeEstimate[] {
    const upper = (stage: string) => times.upper(stage) ?? 0
    const median = (stage: string) => times.median(stage) ?? 0
    return this.modes.filter(allowed).map((mode) => {
      const { route } = mode
      const base = { mode: mode.id, route, accuracy: this.#accuracyOf(mode) }
      const total = (of: (stage: string) => number, own: readonly string[]) =>
        [...new Set([...this.#first, ...own])].reduce((sum, stage) => sum + of(stage), 0)
      if (route === 'local') {
        const ms = (of: typeof upper, runs = 1 + localBacklog) =>
          total(of, ['preprocess']) + runs * of('local')
        const own = { route, payloadBytes: 0, deviceMs: ms(median, 1), serverMs: 0 }
        const costs = { payloadBytes: 0, deviceMs: ms(upper), serverMs: 0, medianMs: ms(median) }
        return { ...base, ...costs, ...this.#energy(own, link) }
      }
      const encode = stageNames.encode(mode.id)
      const server = stageNames.server(mode.id)
      const stages = route === 'split' ? ['preprocess', mode.head ?? 'head', 'exit', encode] : [encode]
      const guessMs = times.count(server) === 0 ? this.#guessServerMs(mode, times) : 0
      const payloadBytes = mode.payloadBytes + ENVELOPE_BYTES
      const deviceMs = total(median, stages)
      const serverMs = median(server) + guessMs
      return {
        ...base,
        payloadBytes,
        deviceMs: total(upper, stages),
        serverMs: upper(server) + guessMs,
        medianMs: deviceMs + serverMs,
        ...this.#energy({ route, payloadBytes, deviceMs, serverMs }, link),
      }
    })
  }

  /** From typical times: what frames cost in the mean, not what they must be ready for. */
  #energy(times: ModeTimes, link: LinkEstimate | undefined): Pick<ModeEstimate, 'energyJ'> {
    const energyJ = frameEnergyJ(this.#power, times, link)
    return energyJ === undefined ? {} : { energyJ }
  }

  /** Until a mode's server time was measured: as if the server computed as fast as this device. */
  #guessServerMs(mode: Mode, times: StageTimes): number {
    const { local, head } = this.#manifest.models
    const localMs = times.median('local')
    const headMs = times.median('head')
    if (local && localMs !== undefined && local.macs > 0) return (localMs / local.macs) * mode.tailMacs
    if (head && headMs !== undefined && head.macs > 0) return (headMs / head.macs) * mode.tailMacs
    return 0
  }
}
