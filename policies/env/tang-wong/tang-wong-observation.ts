import type { TangWongSettings } from './tang-wong-options.ts'

/** Version of {@link TangWongObservation}. */
export const TANG_WONG_OBSERVATION = 'tang-wong/1'

/** Slots of {@link TangWongObservation.activity}. */
export const ACTIVITY_SLOTS = 10

/** What one device with a new task sees. Arrays and the object are written anew at each step. */
export interface TangWongObservation {
  readonly version: string
  /** The device that decides, and the slot. */
  readonly device: number
  readonly slot: number
  readonly slots: number
  readonly deadlineSlots: number
  readonly fogs: number
  /** Size of its new task; 0: nobody has one any more, and the action is of no consequence. */
  readonly taskMbit: number
  /** Slots until the device's processor and its uplink are through with what they have. Exact. */
  readonly localWaitSlots: number
  readonly uplinkWaitSlots: number
  /** Slots that the new task itself takes there. */
  readonly localSlots: number
  readonly uplinkSlots: number
  /** What this device has left at each fog, Mbit, `[fogs]`. */
  readonly ownFogMbit: Float64Array
  /** Mbit that a fog works off in a slot, for all its active queues together. */
  readonly fogMbitPerSlot: number
  /**
   * Devices with work at each fog, `[slot, fogs]`, latest slot last: as the fogs told them at the beginning of the slot that is
   * over, so a slot old.
   */
  readonly activity: Float64Array
}

/** Room for what devices see, before any has looked. Written by the environment from then on. */
export function tangWongObservation({
  slots,
  deadlineSlots,
  fogs,
  fogGhz,
  slotS,
  gigacyclesPerMbit,
}: TangWongSettings): TangWongObservation {
  return {
    version: TANG_WONG_OBSERVATION,
    device: 0,
    slot: 0,
    slots,
    deadlineSlots,
    fogs,
    taskMbit: 0,
    localWaitSlots: 0,
    uplinkWaitSlots: 0,
    localSlots: 0,
    uplinkSlots: 0,
    ownFogMbit: new Float64Array(fogs),
    fogMbitPerSlot: (fogGhz * slotS) / gigacyclesPerMbit,
    activity: new Float64Array(ACTIVITY_SLOTS * fogs),
  }
}
