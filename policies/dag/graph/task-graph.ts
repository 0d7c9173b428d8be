/** What one task hands to another. */
export interface Dependency {
  /** Id of the task that must end first. */
  readonly task: string
  /** Bits that it hands over; they cost nothing where both run on the same host. */
  readonly bits: number
}

/** A piece of work that runs on one host from beginning to end, or is divided between two. */
export interface Task {
  readonly id: string
  /** Processor cycles. */
  readonly cycles: number
  /** Bits that it reads from the user's device, a camera's frame say, beside what other tasks hand to it. Default 0. */
  readonly inputBits?: number
  /** Bits that the user's device is to have of it when it is done. Default 0. */
  readonly outputBits?: number
  /** Whether a part of it may run on a server and the rest on the user's device: of work and bits each takes its share. Default false. */
  readonly divisible?: boolean
  /** What must be done before it. Default: nothing. */
  readonly after?: readonly Dependency[]
}

/** A job: tasks, and which of them wait for which. Plain data, the form of the JSON files. */
export interface TaskGraph {
  readonly name?: string
  readonly tasks: readonly Task[]
  /** Seconds after its arrival by which all of it should be done. */
  readonly deadlineS?: number
}
