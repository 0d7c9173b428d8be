/**
 * Jobs at a row of servers, each shared equally among its jobs (egalitarian processor sharing), and jobs still on their
 * way there. Plain typed arrays; nothing is allocated after construction.
 */
export class ServerQueues {
  readonly servers: number
  /** Greatest number of jobs at one server. */
  readonly capacity: number
  /** Bits that each server works off in a second: f / C. */
  readonly speedBps: Float64Array
  /** Jobs in service at each server. */
  readonly jobs: Int32Array
  /** Bits left of the jobs in service, `[server, capacity]`, ascending within a server. */
  readonly leftBits: Float64Array
  /** Jobs still uploading to each server. */
  readonly uploads: Int32Array
  /** Seconds until an upload ends, `[server, capacity]`, ascending within a server. */
  readonly uploadLeftS: Float64Array
  readonly uploadBits: Float64Array

  constructor(servers: number, capacity: number) {
    this.servers = servers
    this.capacity = capacity
    // One row more than there are servers: marginal() works out futures in it.
    this.speedBps = new Float64Array(servers + 1)
    this.jobs = new Int32Array(servers + 1)
    this.uploads = new Int32Array(servers + 1)
    this.leftBits = new Float64Array((servers + 1) * capacity)
    this.uploadLeftS = new Float64Array((servers + 1) * capacity)
    this.uploadBits = new Float64Array((servers + 1) * capacity)
  }

  /** Empties all servers. What lies beyond the jobs becomes 0, so that equal episodes look equal in every byte. */
  clear(): void {
    this.jobs.fill(0)
    this.uploads.fill(0)
    this.leftBits.fill(0)
    this.uploadLeftS.fill(0)
    this.uploadBits.fill(0)
  }

  /** Takes over another row of servers of the same size or smaller. */
  copyFrom(other: ServerQueues): void {
    for (let server = 0; server < other.servers; server++) this.copyServer(other, server, server)
  }

  /** A job whose upload takes `uploadS` from now. */
  add(server: number, bits: number, uploadS: number): void {
    if (uploadS <= 0) {
      this.insertJob(server, bits)
      return
    }
    const base = server * this.capacity
    let at = base + this.uploads[server]!++
    for (; at > base && this.uploadLeftS[at - 1]! > uploadS; at--) {
      this.uploadLeftS[at] = this.uploadLeftS[at - 1]!
      this.uploadBits[at] = this.uploadBits[at - 1]!
    }
    this.uploadLeftS[at] = uploadS
    this.uploadBits[at] = bits
  }

  /** Lets `seconds` pass at all servers. Returns the time that jobs spent uploading or in service, summed over jobs. */
  advance(seconds: number): number {
    let sojournS = 0
    for (let server = 0; server < this.servers; server++) sojournS += this.advanceServer(server, seconds)
    return sojournS
  }

  /** {@link advance} for one server; with `Infinity` until it is empty. */
  advanceServer(server: number, seconds: number): number {
    const base = server * this.capacity
    const speed = this.speedBps[server]!
    let sojournS = 0
    let left = seconds
    while (left > 0) {
      const jobs = this.jobs[server]!
      const uploads = this.uploads[server]!
      if (jobs === 0 && uploads === 0) break
      const untilJob = jobs > 0 ? (this.leftBits[base]! * jobs) / speed : Infinity
      const untilUpload = uploads > 0 ? this.uploadLeftS[base]! : Infinity
      const passS = Math.min(left, untilJob, untilUpload)
      sojournS += passS * (jobs + uploads)
      left -= passS
      if (jobs > 0) this.work(server, (passS * speed) / jobs, untilJob <= passS)
      if (uploads > 0) this.upload(server, passS, untilUpload <= passS)
    }
    return sojournS
  }

  /**
   * Seconds by which one more job raises the sojourn times of all jobs at `server` together, its own included, if no other
   * came after it (GMORL's delay, exact). Sum over an episode: the total sojourn time of all its jobs.
   */
  marginal(server: number, bits: number, uploadS: number): number {
    if (this.uploads[server]! > 0) return this.marginalAmongUploads(server, bits, uploadS)
    const jobs = this.jobs[server]!
    const base = server * this.capacity
    const speed = this.speedBps[server]!
    // What each job gets done before this one arrives: layer after layer of the smallest.
    let done = 0
    let first = 0
    for (let timeS = uploadS; first < jobs; first++) {
      const layerS = ((this.leftBits[base + first]! - done) * (jobs - first)) / speed
      if (layerS > timeS) {
        done += (timeS * speed) / (jobs - first)
        break
      }
      timeS -= layerS
      done = this.leftBits[base + first]!
    }
    // Two jobs hold each other up by the work of the smaller one.
    let shared = 0
    for (let at = first; at < jobs; at++) shared += Math.min(this.leftBits[base + at]! - done, bits)
    return uploadS + (bits + 2 * shared) / speed
  }

  private marginalAmongUploads(server: number, bits: number, uploadS: number): number {
    const scratch = this.servers
    this.copyServer(this, server, scratch)
    const beforeS = this.advanceServer(scratch, Infinity)
    this.copyServer(this, server, scratch)
    this.add(scratch, bits, uploadS)
    return this.advanceServer(scratch, Infinity) - beforeS
  }

  private copyServer(from: ServerQueues, source: number, target: number): void {
    const jobs = from.jobs[source]!
    const uploads = from.uploads[source]!
    const read = source * from.capacity
    const write = target * this.capacity
    this.speedBps[target] = from.speedBps[source]!
    this.jobs[target] = jobs
    this.uploads[target] = uploads
    for (let at = 0; at < jobs; at++) this.leftBits[write + at] = from.leftBits[read + at]!
    for (let at = 0; at < uploads; at++) {
      this.uploadLeftS[write + at] = from.uploadLeftS[read + at]!
      this.uploadBits[write + at] = from.uploadBits[read + at]!
    }
  }

  private insertJob(server: number, bits: number): void {
    const base = server * this.capacity
    let at = base + this.jobs[server]!++
    for (; at > base && this.leftBits[at - 1]! > bits; at--) this.leftBits[at] = this.leftBits[at - 1]!
    this.leftBits[at] = bits
  }

  private work(server: number, bits: number, firstEnds: boolean): void {
    const base = server * this.capacity
    const jobs = this.jobs[server]!
    let ended = firstEnds ? 1 : 0
    // Jobs of equal size end together, whatever is left of them by rounding.
    while (ended > 0 && ended < jobs && this.leftBits[base + ended]! - bits <= 1e-7) ended++
    for (let at = base + ended; at < base + jobs; at++) this.leftBits[at - ended] = this.leftBits[at]! - bits
    this.jobs[server] = jobs - ended
  }

  private upload(server: number, seconds: number, firstEnds: boolean): void {
    const base = server * this.capacity
    const uploads = this.uploads[server]!
    const ended = firstEnds ? 1 : 0
    if (firstEnds) this.insertJob(server, this.uploadBits[base]!)
    for (let at = base + ended; at < base + uploads; at++) {
      this.uploadLeftS[at - ended] = this.uploadLeftS[at]! - seconds
      this.uploadBits[at - ended] = this.uploadBits[at]!
    }
    this.uploads[server] = uploads - ended
  }
}
