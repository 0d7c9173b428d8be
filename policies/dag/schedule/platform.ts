import type { TaskGraph } from '../graph/task-graph.ts'

/** A user's device: it may run its own user's tasks. */
export interface DeviceHost {
  readonly name: string
  readonly cyclesPerS: number
  /** Energy of a cycle in J: κ·f² of the usual model. */
  readonly cycleJ: number
  /** Power while it sends and while it waits for a server, W. */
  readonly transmitW: number
  readonly idleW: number
}

export interface ServerHost {
  readonly name: string
  readonly cyclesPerS: number
  readonly cycleJ: number
}

/** Who can run tasks, and how fast bits travel. */
export interface Platform {
  readonly devices: readonly DeviceHost[]
  readonly servers: readonly ServerHost[]
  /** bit/s from each device to each server, `[device][server]`; 0: no way. */
  readonly uplinkBps: readonly (readonly number[])[]
  /** bit/s from each server to each device, `[device][server]`. */
  readonly downlinkBps: readonly (readonly number[])[]
  /** bit/s between two servers. */
  readonly betweenServersBps: number
}

/** Somebody's graph that arrives at some time. */
export interface Job {
  readonly graph: TaskGraph
  /** Index of the device that it came from. */
  readonly device: number
  readonly arrivalS: number
}
