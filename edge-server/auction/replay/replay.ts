import type { Random } from '@isthmus/models/data'
import type { Packing } from '../allocation/packing.ts'
import { candidatesOf } from '../candidates-of.ts'
import { type FairnessState, historyOf, nextFairness } from '../fairness/history.ts'
import { jainIndex } from '../fairness/jain.ts'
import { fits } from '../filters.ts'
import type { Market, Resource } from '../market.ts'
import { firstPrices, nextPrices } from '../prices/dual-prices.ts'
import { utilityOf } from '../terms.ts'
import { defaultWeights } from '../weights.ts'
import { DAY_SEC, type Day, type DayTask } from './day.ts'
import type { ReplayMethod } from './methods.ts'

export interface ReplayOptions {
  /** Default 120. */
  readonly roundSec?: number
  /** How long a task waits for a place before it is lost. Default 600. */
  readonly patienceSec?: number
  /** Utilisation that prices aim at. Default 0.95. */
  readonly target?: number
  /** Highest price of a unit, in utility. Default 10. */
  readonly highestPrice?: number
  /** Whether the method heeds what requesters have had lately. Default false. */
  readonly heedsHistory?: boolean
}

/** The state after a round. */
export interface ReplayPoint {
  readonly hour: number
  /** In use, share of all. */
  readonly cpu: number
  readonly memory: number
  readonly cpuPrice: number
  readonly memoryPrice: number
  readonly waiting: number
  /** Over all requesters that have asked so far: Jain's index of utility per task asked for. */
  readonly jain: number
}

export interface ReplayResult {
  /** The sum of the utilities of all tasks served, by the one function, without history. */
  readonly value: number
  /** The same, each task weighted with the hours that it runs. */
  readonly valueHours: number
  readonly tasks: number
  readonly served: number
  /** Jain's index of utility per task asked for, over all requesters that asked. */
  readonly jain: number
  readonly series: readonly ReplayPoint[]
}

/** CPU and memory. */
const KINDS = 2

interface Requester {
  asked: number
  utility: number
  readonly inUse: Float64Array
}

/** A day in virtual time: tasks come, wait for a round, run where they are put, and leave. Nothing is pre-empted. */
export function replayDay(
  day: Day,
  method: ReplayMethod,
  options: ReplayOptions,
  random: Random,
): ReplayResult {
  const {
    roundSec = 120,
    patienceSec = 600,
    target = 0.95,
    highestPrice = 10,
    heedsHistory = false,
  } = options
  const { machines, tasks } = day
  const priceOptions = { target, least: 0, most: highestPrice }
  const all = table(machines)
  const left = all.slice()
  const total = sums(all)
  const requesters = new Map<string, Requester>()
  const ending = new Map<number, { readonly task: DayTask; readonly machine: number }[]>()
  const series: ReplayPoint[] = []
  let prices = firstPrices({ cpu: 0, memory: 0 }, priceOptions)
  let fairness: FairnessState = { shares: {} }
  let waiting: DayTask[] = []
  let next = 0
  let [value, valueHours, served] = [0, 0, 0]

  const take = (task: DayTask, machine: number, sign: 1 | -1): void => {
    const { inUse } = requesters.get(task.request.requester)!
    for (let kind = 0; kind < KINDS; kind++) {
      left[machine * KINDS + kind]! -= sign * task.request.demand[kind]!
      inUse[kind]! += sign * task.request.demand[kind]!
    }
  }
  const most = new Map<DayTask, number>()
  /** What a task is worth at the best of all machines. */
  const mostOf = (task: DayTask): number => {
    let known = most.get(task)
    if (known === undefined) {
      const able = machines.filter(({ capacity }) => fits(task.request.demand, capacity))
      known = Math.max(0, ...able.map((machine) => utilityOf(task.request, machine, defaultWeights)))
      most.set(task, known)
    }
    return known
  }
  const rounds = Math.ceil(DAY_SEC / roundSec)
  for (let round = 1; round <= rounds; round++) {
    const now = round * roundSec
    for (const { task, machine } of ending.get(round) ?? []) take(task, machine, -1)
    ending.delete(round)
    waiting = waiting.filter(({ arrivesSec }) => now - arrivesSec <= patienceSec)
    for (; next < tasks.length && tasks[next]!.arrivesSec <= now; next++) {
      const { requester } = tasks[next]!.request
      const known = requesters.get(requester) ?? { asked: 0, utility: 0, inUse: new Float64Array(KINDS) }
      known.asked++
      requesters.set(requester, known)
      waiting.push(tasks[next]!)
    }
    const market: Market = {
      requests: waiting.map(({ request }) => request),
      resources: machines.map((machine, at) => ({
        ...machine,
        capacity: [Math.max(0, left[at * KINDS]!), Math.max(0, left[at * KINDS + 1]!), 0, 0],
      })),
    }
    const packing = packed(market, table(market.resources))
    const history = heedsHistory ? { history: historyOf(fairness) } : {}
    const chosen = method({
      market,
      candidates: candidatesOf(market, defaultWeights, history),
      packing,
      whole: packed(market, all),
      dominantShares: new Map(
        [...requesters].map(([name, { inUse }]) => [
          name,
          Math.max(...inUse.map((used, kind) => used / total[kind]!)),
        ]),
      ),
      prices: [prices.prices.cpu!, prices.prices.memory!],
      random,
    })
    for (const [at, task] of waiting.entries()) {
      const machine = chosen[at]!
      if (machine < 0) continue
      const utility = utilityOf(task.request, machines[machine]!, defaultWeights)
      value += utility
      valueHours += (utility * task.runsSec) / 3600
      served++
      requesters.get(task.request.requester)!.utility += utility
      take(task, machine, 1)
      const end = round + Math.max(1, Math.ceil(task.runsSec / roundSec))
      const others = ending.get(end)
      if (others === undefined) ending.set(end, [{ task, machine }])
      else others.push({ task, machine })
    }
    if (heedsHistory) fairness = nextFairness(fairness, market, chosen)
    const used = sums(left).map((rest, kind) => 1 - rest / total[kind]!)
    waiting = waiting.filter((_, at) => chosen[at]! < 0)
    // Who would pay today's price and found no place counts as load: else a full cluster would look like one that is just right.
    const paying = waiting.filter((task) => {
      const { demand } = task.request
      const price = demand[0]! * prices.prices.cpu! + demand[1]! * prices.prices.memory!
      return mostOf(task) > price
    })
    const unserved = sums(table(paying.map(({ request }) => ({ capacity: request.demand }))))
    prices = nextPrices(
      prices,
      {
        cpu: Math.max(0, used[0]! + unserved[0]! / total[0]!),
        memory: Math.max(0, used[1]! + unserved[1]! / total[1]!),
      },
      priceOptions,
    )
    series.push({
      hour: now / 3600,
      cpu: used[0]!,
      memory: used[1]!,
      cpuPrice: prices.prices.cpu!,
      memoryPrice: prices.prices.memory!,
      waiting: waiting.length,
      jain: jainOf(requesters),
    })
  }
  return { value, valueHours, tasks: tasks.length, served, jain: jainOf(requesters), series }
}

function packed({ requests, resources }: Market, capacity: Float64Array): Packing {
  const demand = table(requests.map(({ demand }) => ({ capacity: demand })))
  return {
    requests: requests.length,
    resources: resources.length,
    kinds: KINDS,
    capacity,
    demand,
    demandPerPair: false,
  }
}

const table = (rows: readonly Pick<Resource, 'capacity'>[]): Float64Array =>
  Float64Array.from(
    { length: rows.length * KINDS },
    (_, at) => rows[Math.floor(at / KINDS)]!.capacity[at % KINDS]!,
  )

function sums(amounts: Float64Array): number[] {
  const total = Array.from({ length: KINDS }, () => 0)
  for (let at = 0; at < amounts.length; at++) total[at % KINDS]! += amounts[at]!
  return total
}

const jainOf = (requesters: ReadonlyMap<string, Requester>): number =>
  jainIndex([...requesters.values()].map(({ utility, asked }) => utility / asked))
