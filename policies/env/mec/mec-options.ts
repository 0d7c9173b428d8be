import { policyError } from '../../errors.ts'
import type { Drawn } from '../../option-checks.ts'

export type { Drawn }

/** One episode as it was recorded: nothing of it is drawn. */
export interface RecordedEpisode {
  /** Bit/s of each user to each server, `[1 + edges][users]`, the cloud first. */
  readonly rateBps: readonly (readonly number[])[]
  /** The task of each slot; 0 bits: none came. */
  readonly tasks: readonly { readonly bits: number; readonly user: number }[]
}

export interface MecOptions {
  /** Edge servers beside the one cloud, 1 … 255; drawn among the whole numbers. Default: 1 to 10. */
  readonly edges?: Drawn
  /** Clock of the cloud's processor in Hz. Default: 3 to 5 GHz; the published training has 4e9. */
  readonly cloudHz?: Drawn
  /** Clock of an edge server's processor in Hz. Default: 1.5 to 2.5 GHz; the published training has 2e9. */
  readonly edgeHz?: Drawn
  readonly users?: number
  /** Slots of an episode. */
  readonly slots?: number
  readonly slotS?: number
  /** Mean number of tasks that come in a slot (Poisson). One leaves the waiting line a slot. */
  readonly arrivals?: number
  /** Mean size of a task; sizes are exponential, clipped to 0.1 … 100 Mbit. Default: what all servers do in one second. */
  readonly meanTaskBits?: number
  /**
   * How rates follow from distance and fading. `published` (default): the formula of the published environment, which makes
   * uploads all but free. `shannon`: the physical one, by which a task uploads for minutes to a server 275 m away.
   */
  readonly channel?: 'published' | 'shannon'
  /** Rewards as the published code of 2023 works them out, its faults included. Default: exact marginal delay. */
  readonly compat?: 'gmorl-2023'
  /** Reward for a second of delay is −`delayScale`. */
  readonly delayScale?: number
  /** Reward for a joule is −`energyScale`. */
  readonly energyScale?: number
  /** Plays this instead of drawing rates and tasks; `edges`, `cloudHz` and `edgeHz` must then be fixed numbers. */
  readonly recorded?: RecordedEpisode
}

export type MecSettings = Required<Omit<MecOptions, 'compat' | 'meanTaskBits' | 'recorded'>> &
  Pick<MecOptions, 'compat' | 'meanTaskBits' | 'recorded'>

const defaults = {
  edges: [1, 10],
  cloudHz: [3e9, 5e9],
  edgeHz: [1.5e9, 2.5e9],
  users: 10,
  slots: 100,
  slotS: 1,
  arrivals: 1,
  channel: 'published',
  delayScale: 0.01,
  energyScale: 50,
} as const

/** Greatest number of edge servers. */
export const MAX_EDGES = 255

/** Fills in defaults. Throws IsthmusError `BAD_OPTION` that names the field. */
export function mecSettings(options: MecOptions): MecSettings {
  const known = new Set([...Object.keys(defaults), 'compat', 'meanTaskBits', 'recorded'])
  for (const key of Object.keys(options)) {
    if (!known.has(key)) throw policyError('BAD_OPTION', `mec: there is no option "${key}"`)
  }
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
  const settings: MecSettings = { ...defaults, ...given }
  checkDrawn('edges', settings.edges, 1, MAX_EDGES)
  for (const bound of [settings.edges].flat()) integer('edges', bound, 1, MAX_EDGES)
  checkDrawn('cloudHz', settings.cloudHz, 1, 1e15)
  checkDrawn('edgeHz', settings.edgeHz, 1, 1e15)
  integer('users', settings.users, 1, 1e6)
  integer('slots', settings.slots, 1, 1e6)
  within('slotS', settings.slotS, 1e-9, 1e9)
  within('arrivals', settings.arrivals, 0, 50)
  within('delayScale', settings.delayScale, 0, 1e9)
  within('energyScale', settings.energyScale, 0, 1e9)
  if (settings.meanTaskBits !== undefined) within('meanTaskBits', settings.meanTaskBits, 1, 1e15)
  oneOf('channel', settings.channel, ['published', 'shannon'])
  if (settings.compat !== undefined) oneOf('compat', settings.compat, ['gmorl-2023'])
  if (settings.recorded) checkRecorded(settings, settings.recorded)
  return settings
}

function checkRecorded({ edges, cloudHz, edgeHz, users, slots }: MecSettings, recorded: RecordedEpisode) {
  const { rateBps, tasks } = recorded
  if ([edges, cloudHz, edgeHz].some((drawn) => typeof drawn !== 'number')) {
    throw policyError(
      'BAD_OPTION',
      'mec: a recorded episode needs edges, cloudHz and edgeHz as fixed numbers',
    )
  }
  if (rateBps.length !== (edges as number) + 1) {
    throw policyError('BAD_OPTION', `mec: recorded.rateBps has ${rateBps.length} rows, not 1 + ${edges}`)
  }
  for (const [server, row] of rateBps.entries()) {
    if (row.length !== users) {
      throw policyError(
        'BAD_OPTION',
        `mec: recorded.rateBps[${server}] has ${row.length} users, not ${users}`,
      )
    }
    for (const [user, rate] of row.entries()) within(`recorded.rateBps[${server}][${user}]`, rate, 1e-3, 1e15)
  }
  if (tasks.length < slots) {
    throw policyError('BAD_OPTION', `mec: recorded.tasks holds ${tasks.length} slots, fewer than ${slots}`)
  }
  for (const [slot, { bits, user }] of tasks.entries()) {
    within(`recorded.tasks[${slot}].bits`, bits, 0, 1e15)
    integer(`recorded.tasks[${slot}].user`, user, 0, users - 1)
  }
}

function checkDrawn(field: string, drawn: Drawn, low: number, high: number): void {
  if (typeof drawn === 'number') {
    within(field, drawn, low, high)
    return
  }
  if (!Array.isArray(drawn) || drawn.length !== 2 || !(drawn[0] <= drawn[1])) {
    throw policyError(
      'BAD_OPTION',
      `mec: ${field} must be a number or [low, high], not ${JSON.stringify(drawn)}`,
    )
  }
  for (const bound of drawn) within(field, bound, low, high)
}

function within(field: string, value: number, low: number, high: number): void {
  if (typeof value === 'number' && value >= low && value <= high) return
  throw policyError('BAD_OPTION', `mec: ${field} is ${value}; it must be from ${low} to ${high}`)
}

function integer(field: string, value: number, low: number, high: number): void {
  within(field, value, low, high)
  if (!Number.isInteger(value))
    throw policyError('BAD_OPTION', `mec: ${field} is ${value}, not a whole number`)
}

function oneOf(field: string, value: string, choices: readonly string[]): void {
  if (choices.includes(value)) return
  throw policyError('BAD_OPTION', `mec: ${field} is "${value}"; choose ${choices.join(' or ')}`)
}
