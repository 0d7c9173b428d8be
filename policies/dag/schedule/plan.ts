/**
 * Where tasks run, and in which order they are given to the hosts: a task waits for all that were given to its host before
 * it. Every way to run them that wastes no time is such a plan.
 */
export interface SchedulePlan {
  /** `[task]`: host. */
  readonly host: Int32Array
  /** Task numbers; none comes before one that it waits for. */
  readonly sequence: Int32Array
}

/** When things happen under a plan. */
export interface Timeline {
  /** `[task]` */
  readonly startS: Float64Array
  readonly finishS: Float64Array
}

/** What a plan brings. */
export interface Outcome {
  /** Mean over the jobs of the time from arrival until the device has all of the job's outputs, s. */
  readonly latencyS: number
  /** Moment at which the last job is done, s. */
  readonly makespanS: number
  /** Of devices and servers, J. */
  readonly energyJ: number
  /** What devices spend: execution, sending, and idling while servers work for them, J. */
  readonly deviceEnergyJ: number
  /** Standard deviation of the servers' busy time over its mean; 0: all do the same. */
  readonly imbalance: number
  /** Share of the makespan that each host works, devices first. */
  readonly utilisation: Float64Array
}
