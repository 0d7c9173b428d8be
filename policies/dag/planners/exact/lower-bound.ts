import type { CostUnits } from './cost-units.ts'
import { LoadBound, type Ways } from './load-bound.ts'
import { MeetingBound } from './meeting-bound.ts'
import type { PartialSchedules } from './partial-schedules.ts'

/** Times that heads and tails are worked out at most: hosts that are struck make them longer. */
const ROUNDS = 3

/**
 * Lower bounds of what a partial schedule can still come to, and hosts that its open tasks cannot use if it is to beat a limit.
 *
 * Time: for each open task and host the longest way before it (head) and behind it (tail), every task on the way on the best host
 * that is left to it and its transfers between those hosts. Where energy counts, a way also pays what its hosts take above
 * the least that each task takes anywhere; the least of all tasks is paid beside it. Load: whatever has to run
 * between two moments must fit into what the hosts can do between them.
 */
export class LowerBound implements Ways {
  private readonly units: CostUnits
  /** `[depth, task, host]`: longest way behind a task's end; the same with its execution. */
  readonly tail: Float64Array
  private readonly after: Float64Array
  /** `[task, host]`: longest way to its start, to its end. */
  readonly head: Float64Array
  private readonly through: Float64Array
  /** `[task, host]`: energy above the least of the task. */
  readonly excess: Float64Array
  readonly deadlines: Float64Array
  private readonly meeting: MeetingBound
  private readonly load: LoadBound
  /** Open tasks, and their number. */
  readonly open: Int32Array
  count = 0
  urgent = -1
  urgentStart = Infinity
  nextStart = Infinity

  constructor(units: CostUnits) {
    const { tasks, hosts } = units
    this.units = units
    this.tail = new Float64Array((tasks + 1) * tasks * hosts)
    this.after = new Float64Array((tasks + 1) * tasks * hosts)
    this.head = new Float64Array(tasks * hosts)
    this.through = new Float64Array(tasks * hosts)
    this.excess = new Float64Array(tasks * hosts)
    this.deadlines = new Float64Array(units.jobs)
    this.meeting = new MeetingBound(tasks)
    this.load = new LoadBound(units)
    this.open = new Int32Array(tasks)
  }

  /** Of the last `of`, at its depth: longest way from the start of a task on a host. */
  wayFrom(depth: number, task: number, host: number): number {
    return this.after[(depth * this.units.tasks + task) * this.units.hosts + host]!
  }

  /** Of the last `of`: the open task that has to start first, and when at the latest; the same of all others. */
  latestStarts({ depth, allowed }: PartialSchedules): void {
    const { tasks, hosts, jobOf } = this.units
    this.urgent = -1
    this.urgentStart = Infinity
    this.nextStart = Infinity
    for (let at = 0; at < this.count; at++) {
      const task = this.open[at]!
      const mask = allowed[depth * tasks + task]!
      const row = (depth * tasks + task) * hosts
      let way = Infinity
      for (let host = 0; host < hosts; host++) {
        if (mask & (1 << host) && this.after[row + host]! < way) way = this.after[row + host]!
      }
      const start = this.deadlines[jobOf[task]!]! - way
      if (start < this.urgentStart) {
        this.nextStart = this.urgentStart
        this.urgentStart = start
        this.urgent = task
      } else if (start < this.nextStart) this.nextStart = start
    }
  }

  /**
   * Bound of the schedule at its depth; Infinity where nothing cheaper than `limit` can come of it. Strikes hosts from its `allowed`
   * and raises its `least`.
   */
  of(schedule: PartialSchedules, limit: number): number {
    const { tasks, powered } = this.units
    this.count = 0
    for (let task = 0; task < tasks; task++) if (!schedule.placed[task]) this.open[this.count++] = task
    this.raiseLeast(schedule, powered)
    let energy = this.leastEnergy(schedule)
    const { depth } = schedule
    // Tails stay as they were above unless hosts were struck since; most schedules fail before they are needed afresh.
    if (depth === 0 || powered) this.tails(schedule)
    else this.inheritTails(depth)
    for (let round = 1; ; round++) {
      if (round > 1) this.tails(schedule)
      const struck = this.heads(schedule, limit - energy)
      if (struck < 0) return Infinity
      if (struck === 0 || round === ROUNDS) return this.judged(schedule, energy, limit)
      if (!powered) continue
      // What a way pays above the least energy holds beside that least alone.
      this.raiseLeast(schedule, true)
      energy = this.leastEnergy(schedule)
    }
  }

  /** The same, with hosts also struck on which a task no longer fits beside others, for as long as that strikes more. */
  narrowed(schedule: PartialSchedules, limit: number): number {
    for (;;) {
      const bound = this.of(schedule, limit)
      if (bound === Infinity || !this.units.timed || this.load.strike(schedule, this) === 0) return bound
    }
  }

  /** No job is done before what is placed of it; `afresh`: and that is all that is known. */
  private raiseLeast({ least, done, depth }: PartialSchedules, afresh: boolean): void {
    const { jobs } = this.units
    for (let job = depth * jobs; job < (depth + 1) * jobs; job++) {
      if (afresh || done[job]! > least[job]!) least[job] = done[job]!
    }
  }

  private judged(schedule: PartialSchedules, energy: number, limit: number): number {
    const bound = energy + this.sumOfLeast(schedule)
    if (bound >= limit) return Infinity
    if (!this.units.timed) return bound
    this.setDeadlines(schedule, limit - energy)
    return this.load.exceeded(schedule, this) ? Infinity : bound
  }

  /** Energy of what is placed and the least of each open task. */
  private leastEnergy({ spent, depth, energy, allowed }: PartialSchedules): number {
    const { tasks, hosts, powered } = this.units
    if (!powered) return 0
    let sum = spent[depth]!
    for (let at = 0; at < this.count; at++) {
      const task = this.open[at]!
      const hostsLeft = allowed[depth * tasks + task]!
      const row = (depth * tasks + task) * hosts
      let least = Infinity
      for (let host = 0; host < hosts; host++) {
        if (hostsLeft & (1 << host) && energy[row + host]! < least) least = energy[row + host]!
      }
      for (let host = 0; host < hosts; host++) this.excess[task * hosts + host] = energy[row + host]! - least
      sum += least
    }
    return sum
  }

  private sumOfLeast({ least, depth }: PartialSchedules): number {
    const { jobs, arrival } = this.units
    let sum = 0
    for (let job = 0; job < jobs; job++) sum += least[depth * jobs + job]! - arrival[job]!
    return sum
  }

  /** When each job may be done at the latest, all others at their least. */
  private setDeadlines(schedule: PartialSchedules, limit: number): void {
    const { jobs } = this.units
    const room = limit - this.sumOfLeast(schedule)
    for (let job = 0; job < jobs; job++)
      this.deadlines[job] = room + schedule.least[schedule.depth * jobs + job]!
  }

  private inheritTails(depth: number): void {
    const { tasks, hosts } = this.units
    const row = tasks * hosts
    this.tail.copyWithin(depth * row, (depth - 1) * row, depth * row)
    this.after.copyWithin(depth * row, (depth - 1) * row, depth * row)
  }

  private tails({ allowed, depth }: PartialSchedules): void {
    const { units, tail, after, excess, meeting } = this
    const { tasks, hosts, execution, back, firstOut, target, transfer, transferEnergy, powered } = units
    const row = depth * tasks * hosts
    for (let at = this.count - 1; at >= 0; at--) {
      const task = this.open[at]!
      const mask = allowed[depth * tasks + task]!
      const end = firstOut[task + 1]!
      for (let host = 0; host < hosts; host++) {
        if (!(mask & (1 << host))) continue
        const own = task * hosts + host
        let longest = back[own]!
        meeting.clear()
        for (let edge = firstOut[task]!; edge < end; edge++) {
          const next = target[edge]!
          const nextMask = allowed[depth * tasks + next]!
          const pair = (edge * hosts + host) * hosts
          let elsewhere = Infinity
          for (let on = 0; on < hosts; on++) {
            if (on === host || !(nextMask & (1 << on))) continue
            let way = transfer[pair + on]! + after[row + next * hosts + on]!
            if (powered) way += transferEnergy[pair + on]!
            if (way < elsewhere) elsewhere = way
          }
          if (elsewhere <= longest) continue
          const there = next * hosts + host
          const stays = nextMask & (1 << host)
          const here = stays ? after[row + there]! : Infinity
          const best = here < elsewhere ? here : elsewhere
          if (best > longest) longest = best
          if (!powered)
            meeting.add(elsewhere, stays ? tail[row + there]! : 0, stays ? execution[there]! : Infinity)
        }
        if (meeting.count > 1) longest = Math.max(longest, meeting.earliest())
        tail[row + own] = longest
        after[row + own] = execution[own]! + excess[own]! + longest
      }
    }
  }

  /** Works out heads; returns how many hosts it struck, −1 where a task has none left. */
  private heads(schedule: PartialSchedules, limit: number): number {
    const { units, after, head, through, excess, deadlines, meeting } = this
    const { tasks, hosts, jobs, execution, firstIn, source, outOf, jobOf } = units
    const { transfer, transferEnergy, powered } = units
    const { placed, depth, ready, free, last, allowed, least } = schedule
    const now = last[depth]!
    let struck = 0
    const row = depth * tasks * hosts
    this.setDeadlines(schedule, limit)
    for (let at = 0; at < this.count; at++) {
      const task = this.open[at]!
      const job = jobOf[task]!
      const deadline = deadlines[job]!
      let mask = allowed[depth * tasks + task]!
      let earliest = Infinity
      for (let host = 0; host < hosts; host++) {
        if (!(mask & (1 << host))) continue
        const own = task * hosts + host
        let start = ready[row + own]!
        meeting.clear()
        if (now > start) start = now
        if (free[depth * hosts + host]! > start) start = free[depth * hosts + host]!
        for (let edge = firstIn[task]!, end = firstIn[task + 1]!; edge < end; edge++) {
          const from = source[edge]!
          if (placed[from]) continue
          const fromMask = allowed[depth * tasks + from]!
          const pair = outOf[edge]! * hosts * hosts + host
          let elsewhere = Infinity
          for (let on = 0; on < hosts; on++) {
            if (on === host || !(fromMask & (1 << on))) continue
            let way = through[from * hosts + on]! + transfer[pair + on * hosts]!
            if (powered) way += transferEnergy[pair + on * hosts]!
            if (way < elsewhere) elsewhere = way
          }
          if (elsewhere <= start) continue
          const there = from * hosts + host
          const stays = fromMask & (1 << host)
          const here = stays ? through[there]! : Infinity
          const best = here < elsewhere ? here : elsewhere
          if (best > start) start = best
          if (!powered) meeting.add(elsewhere, stays ? head[there]! : 0, stays ? execution[there]! : Infinity)
        }
        if (meeting.count > 1) start = Math.max(start, meeting.earliest())
        const end = start + after[row + own]!
        if (end >= deadline) {
          mask &= ~(1 << host)
          struck++
          continue
        }
        head[own] = start
        through[own] = start + execution[own]! + excess[own]!
        if (end < earliest) earliest = end
      }
      if (mask === 0) return -1
      allowed[depth * tasks + task] = mask
      if (earliest > least[depth * jobs + job]!) least[depth * jobs + job] = earliest
    }
    return struck
  }
}
