import { policyError } from '../../errors.ts'

export interface TangWongOptions {
  readonly devices?: number
  readonly fogs?: number
  /** Slots of an episode; in the last `deadlineSlots` of them no task comes, so that every task ends in it. */
  readonly slots?: number
  readonly slotS?: number
  /** A task that is not done this many slots after it came, its own included, is dropped. */
  readonly deadlineSlots?: number
  /** Chance that a device gets a task in a slot. */
  readonly arrivalChance?: number
  /** Bounds of a task's size in Mbit, drawn uniformly. */
  readonly taskMbit?: readonly [low: number, high: number]
  readonly gigacyclesPerMbit?: number
  readonly deviceGhz?: number
  readonly fogGhz?: number
  readonly uplinkMbps?: number
  /** Plays these tasks instead of drawing any: Mbit, `[slots, devices]`, 0 for none; the last `deadlineSlots` without. */
  readonly recordedMbit?: ArrayLike<number>
}

export type TangWongSettings = Required<Omit<TangWongOptions, 'recordedMbit'>> &
  Pick<TangWongOptions, 'recordedMbit'>

const defaults: TangWongSettings = {
  devices: 50,
  fogs: 5,
  slots: 110,
  slotS: 0.1,
  deadlineSlots: 10,
  arrivalChance: 0.3,
  taskMbit: [2, 5],
  gigacyclesPerMbit: 0.297,
  deviceGhz: 2.5,
  fogGhz: 41.8,
  uplinkMbps: 14,
}

/** Fills in the published constants. Throws IsthmusError `BAD_OPTION` that names the field. */
export function tangWongSettings(options: TangWongOptions): TangWongSettings {
  for (const key of Object.keys(options)) {
    if (!(key in defaults) && key !== 'recordedMbit')
      throw policyError('BAD_OPTION', `tang-wong: there is no option "${key}"`)
  }
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
  const settings: TangWongSettings = { ...defaults, ...given }
  for (const field of ['devices', 'fogs', 'deadlineSlots'] as const) whole(field, settings[field], 1, 10_000)
  whole('slots', settings.slots, settings.deadlineSlots + 1, 32_000)
  within('arrivalChance', settings.arrivalChance, 0, 1)
  for (const field of ['slotS', 'gigacyclesPerMbit', 'deviceGhz', 'fogGhz', 'uplinkMbps'] as const) {
    within(field, settings[field], 1e-9, 1e9)
  }
  const [low, high] = settings.taskMbit
  within('taskMbit[0]', low, 1e-9, 1e9)
  within('taskMbit[1]', high, low, 1e9)
  if (settings.recordedMbit) checkRecorded(settings, settings.recordedMbit)
  return settings
}

function checkRecorded({ slots, devices, deadlineSlots }: TangWongSettings, mbit: ArrayLike<number>): void {
  if (mbit.length !== slots * devices) {
    throw policyError(
      'BAD_OPTION',
      `tang-wong: recordedMbit holds ${mbit.length} values, not ${slots} slots of ${devices} devices`,
    )
  }
  for (let at = 0; at < mbit.length; at++) {
    within(`recordedMbit[${at}]`, mbit[at]!, 0, at < (slots - deadlineSlots) * devices ? 1e9 : 0)
  }
}

function within(field: string, value: number, low: number, high: number): void {
  if (typeof value === 'number' && value >= low && value <= high) return
  throw policyError('BAD_OPTION', `tang-wong: ${field} is ${value}; it must be from ${low} to ${high}`)
}

function whole(field: string, value: number, low: number, high: number): void {
  within(field, value, low, high)
  if (!Number.isInteger(value)) {
    throw policyError('BAD_OPTION', `tang-wong: ${field} is ${value}, not a whole number`)
  }
}
