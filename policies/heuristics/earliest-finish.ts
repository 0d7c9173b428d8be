import { type EnvironmentPolicy, type MecObservation, uploadS } from '../env/index.ts'

/**
 * The server at which this task itself would be done first, if no other came; what it costs the others does not count. For
 * tasks without dependencies HEFT (Topcuoglu et al. 2002) is this rule: earliest finish time.
 */
export class EarliestFinish implements EnvironmentPolicy<MecObservation> {
  readonly name = 'earliest finish'
  evaluations = 0
  private readonly times = new FinishTimes()

  begin(): void {}

  act(observation: MecObservation): number {
    const { servers, taskBits } = observation
    if (taskBits === 0) return 0
    let best = 0
    let bestS = Infinity
    for (let server = 0; server < servers; server++) {
      const seconds = this.times.of(observation, server)
      if (seconds >= bestS) continue
      best = server
      bestS = seconds
    }
    this.evaluations += servers
    return best
  }
}

/** When tasks would be done. Allocates only when it meets a longer queue than before. */
export class FinishTimes {
  /** Attained service at which each job ends. */
  private ends = new Float64Array(0)

  /**
   * Seconds from now until the present task would be done at `server`, upload included, if no other task came.
   *
   * Jobs that share a processor equally have all attained the same service since they came, so one clock per server (bits
   * attained by whoever has been there from the beginning) tells when each of them ends.
   */
  of(observation: MecObservation, server: number): number {
    const { queues, taskBits } = observation
    const first = server * queues.capacity
    const speed = queues.speedBps[server]!
    const uploads = queues.uploads[server]!
    const ownUploadS = uploadS(observation, server)
    let jobs = queues.jobs[server]!
    if (this.ends.length < jobs + uploads) this.ends = new Float64Array(2 * (jobs + uploads))
    const { ends } = this
    for (let at = 0; at < jobs; at++) ends[at] = queues.leftBits[first + at]!
    let nextUpload = 0
    let ownEnd = Infinity
    let own = 0
    let nowS = 0
    let attained = 0
    for (;;) {
      const sharing = jobs + own
      let end = ownEnd
      for (let at = 0; at < jobs; at++) end = Math.min(end, ends[at]!)
      const uploadEndS = nextUpload < uploads ? queues.uploadLeftS[first + nextUpload]! : Infinity
      const arrivalS = own === 0 ? Math.min(uploadEndS, ownUploadS) : uploadEndS
      const endS = sharing === 0 ? Infinity : nowS + ((end - attained) * sharing) / speed
      if (endS <= arrivalS) {
        if (end === ownEnd) return endS
        nowS = endS
        attained = end
        jobs = keepAbove(ends, jobs, end)
        continue
      }
      if (sharing > 0) attained += ((arrivalS - nowS) * speed) / sharing
      nowS = arrivalS
      if (own === 0 && ownUploadS <= uploadEndS) {
        own = 1
        ownEnd = attained + taskBits
      } else {
        ends[jobs++] = attained + queues.uploadBits[first + nextUpload++]!
      }
    }
  }
}

/** Moves the first `count` values that exceed `limit` to the front and returns how many these are. */
function keepAbove(values: Float64Array, count: number, limit: number): number {
  let kept = 0
  for (let at = 0; at < count; at++) if (values[at]! > limit) values[kept++] = values[at]!
  return kept
}
