import type { Random } from '@isthmus/models/data'
import { edgeError } from '../../errors.ts'
import type { Request, Resource } from '../market.ts'
import type { TraceTask } from './trace.ts'

export const DAY_SEC = 86_400

/** A task with a time to come and a time to run. */
export interface DayTask {
  readonly request: Request
  readonly arrivesSec: number
  readonly runsSec: number
}

/** A simulated day: machines, and tasks in the order in which they come. */
export interface Day {
  readonly machines: readonly Resource[]
  readonly tasks: readonly DayTask[]
}

export interface DayOptions {
  readonly machines: number
  /** CPU time asked for over the day, as a share of what the machines have. */
  readonly load: number
}

/** Machines of that cluster: share of all, CPU, memory (Reiss et al. 2012, table 1, rounded). */
const SHAPES = [
  { upTo: 0.54, cpu: 0.5, memory: 0.5 },
  { upTo: 0.85, cpu: 0.5, memory: 0.25 },
  { upTo: 0.93, cpu: 0.5, memory: 0.75 },
  { upTo: 1, cpu: 1, memory: 1 },
] as const

/** Middle of the running times by scheduling class, s, and their spread (log-normal). Ours: the trace part has none. */
const MEDIAN_SEC = [300, 600, 900, 1800] as const
const SIGMA = 1
const LONGEST_SEC = 8 * 3600
const SIDE_KM = 200

/**
 * A day made of the tasks of a trace. What they ask for, whose they are, their class and priority are the trace's, and tasks of
 * a job come together. The trace part holds only tasks that were there when it began, so that the rest is drawn: jobs come at
 * random, with a rate that goes up and down by 40 % over the day, until the day's load is reached; running times are
 * log-normal, longer for higher classes; places are uniform; a bid is 1 to 5 times what the amounts cost at the dearest
 * machine, more for higher priority; machines have the shapes of that cluster.
 */
export function drawDay(trace: readonly TraceTask[], { machines, load }: DayOptions, random: Random): Day {
  if (trace.length === 0) throw edgeError('BAD_MARKET', 'The trace holds no task')
  if (!(Number.isInteger(machines) && machines > 0 && load > 0 && load <= 100)) {
    throw edgeError('BAD_MARKET', `A day has machines and a load, not ${machines} and ${load}`)
  }
  const between = (low: number, high: number) => low + (high - low) * random.uniform()
  const place = () => ({ x: between(0, SIDE_KM), y: between(0, SIDE_KM) })
  const resources = Array.from({ length: machines }, (_, at): Resource => {
    const draw = random.uniform()
    const { cpu, memory } = SHAPES.find(({ upTo }) => draw < upTo)!
    return {
      id: `m${at}`,
      kind: 'machine',
      capacity: [cpu, memory, 0, 0],
      unitCost: between(0.3, 0.8),
      reliability: between(0.95, 1),
      availability: between(0.95, 1),
      energy: between(0.6, 0.9),
      place: place(),
    }
  })
  const jobs = new Map<string, TraceTask[]>()
  for (const task of trace) {
    const job = jobs.get(task.job)
    if (job === undefined) jobs.set(task.job, [task])
    else job.push(task)
  }
  const all = [...jobs.values()]
  const wanted = load * DAY_SEC * resources.reduce((sum, { capacity }) => sum + capacity[0]!, 0)
  const tasks: DayTask[] = []
  for (let asked = 0; asked < wanted; ) {
    const arrivesSec = drawArrival(random)
    // Some jobs have thousands of tasks: one of them would be the day. So many of its tasks come at once, the rest not.
    for (const task of all[random.below(all.length)]!.slice(0, 4 * machines)) {
      const median = MEDIAN_SEC[task.schedulingClass]!
      const runsSec = Math.min(LONGEST_SEC, median * Math.exp(SIGMA * random.normal()))
      asked += task.cpu * runsSec
      tasks.push({ request: requestOf(task, tasks.length, place(), between(1, 3)), arrivesSec, runsSec })
    }
  }
  tasks.sort((a, b) => a.arrivesSec - b.arrivesSec)
  return { machines: resources, tasks }
}

function requestOf(task: TraceTask, at: number, place: Request['place'], eagerness: number): Request {
  return {
    id: `t${at}`,
    requester: task.user,
    demand: [task.cpu, task.memory, 0, 0],
    bid: 0.8 * (task.cpu + task.memory) * (eagerness + 2 * task.priority),
    priority: task.priority,
    needs: { reliability: 0, availability: 0, latencyMs: 1000 },
    place,
  }
}

/** Seconds into the day, by a rate that is lowest at its ends and highest in the middle. */
function drawArrival(random: Random): number {
  for (;;) {
    const at = random.uniform()
    if (random.uniform() * 1.4 < 1 - 0.4 * Math.cos(2 * Math.PI * at)) return at * DAY_SEC
  }
}
