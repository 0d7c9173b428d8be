import type { ServerQueues } from './server-queues.ts'

/** Version of {@link MecObservation}. */
export const MEC_OBSERVATION = 'mec/1'

/**
 * All that a policy of the system `mec` may look at: the task to be placed, the servers, and the jobs there. Server 0 is the
 * cloud. Arrays may be longer than `servers`; they and the object are written anew at each step.
 */
export interface MecObservation {
  readonly version: string
  /** Servers of this episode: one cloud and the edges. */
  readonly servers: number
  /** Slots that have passed, and slots of an episode. */
  readonly slot: number
  readonly slots: number
  readonly slotS: number
  /** Size of the task to be placed; 0: none waits, and the action is of no consequence. */
  readonly taskBits: number
  /** Rate of the task's user to each server, bit/s. */
  readonly rateBps: Float64Array
  /** Joule that each server spends on one bit: κ·C·f². */
  readonly executionJPerBit: Float64Array
  /** Power that the user's radio spends while it sends, W. */
  readonly transmitW: number
  /** Jobs in service and uploading. `queues.marginal(server, bits, uploadS)` is the exact delay of a placement. */
  readonly queues: ServerQueues
  /** Tasks that wait behind this one; one is placed a slot. Not in the published encoding. */
  readonly backlog: number
  /** Mean number of tasks that come in a slot, and the mean of their sizes before clipping. */
  readonly arrivals: number
  readonly meanTaskBits: number
  /** What the rewards multiply seconds and joules with. */
  readonly delayScale: number
  readonly energyScale: number
}

export function uploadS(observation: MecObservation, server: number): number {
  return observation.taskBits / observation.rateBps[server]!
}

/** Seconds by which placing the task at `server` raises the sum of all sojourn times. */
export function delayS(observation: MecObservation, server: number): number {
  return observation.queues.marginal(server, observation.taskBits, uploadS(observation, server))
}

/** Joule of sending the task to `server` and of working it off there. */
export function energyJ(observation: MecObservation, server: number): number {
  const { taskBits, rateBps, transmitW, executionJPerBit } = observation
  return taskBits * (transmitW / rateBps[server]! + executionJPerBit[server]!)
}
