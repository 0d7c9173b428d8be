/**
 * Where tasks run, and in which order they are given to the hosts: a task waits for all that were given to its host before
 * it. Every way to run them that wastes no time is such a plan.
 */
export interface SchedulePlan {
  /** `[task]`: host. */
  readonly host: Int32Array
  /** Task numbers; none comes before one that it waits for. */
  readonly sequence: Int32Array
  /**
   * `[task]`: share of the task that runs on its host, above 0; the rest runs on its user's device at the same time, beside it in the sequence,
   * and the task has ended when both parts have. Below 1 only for tasks that are divisible and on a server. Left out: all are whole.
   */
  readonly share?: Float64Array
}

/** When things happen under a plan. */
export interface Timeline {
  /** `[task]`; of a plan that divides tasks after that the devices' parts, in the order of their tasks. */
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
