import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import {
  drawDay,
  parseTraceTasks,
  type ReplayMethodName,
  type ReplayResult,
  replayDay,
  replayMethods,
} from '@isthmus/edge-server/auction/replay'
import { seededRandom } from '@isthmus/models/data'
import { leftOut, type Part } from '../part.ts'
import { median, medianInterval } from '../statistics.ts'
import type { FigureSpec, SuiteContext } from '../suite.ts'
import { noData, sharedData } from './published-data.ts'

export const replayFigures: readonly FigureSpec[] = [
  {
    name: 'valueVsBest',
    meaning:
      'utility of a day of the Google task trace, three times as much asked for as there is, against the best baseline',
    target: { atLeast: 1.05 },
    kind: 'result',
  },
]

const MACHINES = 16
/** The one that the figure is of comes last. */
const LOADS = [1.3, 2, 3] as const
const ROUND_SEC = 120
/** Six are the fewest that give a 95 % interval of the median. */
const SEEDS = [1, 2, 3, 4, 5, 6] as const
const METHODS = Object.keys(replayMethods) as ReplayMethodName[]
/** Points of a series that are kept. */
const POINTS = 96

/** A day of a real trace in virtual time: the auction and the baselines on the same arrivals, scored by the same utility. */
export function measureReplay({ quick, say }: SuiteContext): Part {
  const names = replayFigures.map(({ name }) => name)
  if (sharedData === undefined) return leftOut(names, noData)
  const file = join(sharedData, 'google-jobs/google-tasks-part0.csv.gz')
  if (!existsSync(file)) return leftOut(names, 'The folder of shared data holds no task trace')
  const trace = parseTraceTasks(gunzipSync(readFileSync(file)).toString('utf8'))
  const seeds = quick ? SEEDS.slice(0, 2) : SEEDS
  const rows = (quick ? LOADS.slice(-1) : LOADS).map((load) => {
    const days = seeds.map((seed) => {
      const day = drawDay(trace, { machines: MACHINES, load }, seededRandom(seed))
      return METHODS.map((name) =>
        replayDay(
          day,
          replayMethods[name],
          { roundSec: ROUND_SEC, heedsHistory: name === 'auction' },
          seededRandom(seed, 1),
        ),
      )
    })
    const ratios = days.map(
      ([ours, ...others]) => ours!.value / Math.max(...others.map(({ value }) => value)),
    )
    const hours = days.map(
      ([ours, ...others]) => ours!.valueHours / Math.max(...others.map(({ valueHours }) => valueHours)),
    )
    say(`load ${load}: auction against the best baseline ${ratios.map((one) => one.toFixed(3)).join(', ')}`)
    return {
      load,
      tasks: days.map(([ours]) => ours!.tasks),
      valueVsBest: median(ratios),
      interval95: [...medianInterval(ratios)],
      perSeed: ratios,
      valueHoursVsBest: median(hours),
      methods: METHODS.map((name, at) => ({ name, ...summary(days.map((day) => day[at]!)) })),
      series: METHODS.filter((name) => SHOWN.includes(name)).map((name) => ({
        name,
        points: thinned(days[0]![METHODS.indexOf(name)]!),
      })),
    }
  })
  const figured = rows.at(-1)!
  return {
    figures: { valueVsBest: figured.valueVsBest },
    detail: {
      replay: {
        machines: MACHINES,
        roundSec: ROUND_SEC,
        seeds: [...seeds],
        traceTasks: trace.length,
        loads: rows,
      },
    },
  }
}

/** Whose day is drawn. */
const SHOWN: readonly ReplayMethodName[] = ['auction', 'fifo', 'drf']

/** Medians over the days. */
function summary(days: readonly ReplayResult[]) {
  const of = (value: (day: ReplayResult) => number) => median(days.map(value))
  const meanOf = ({ series }: ReplayResult, key: 'cpu' | 'memory' | 'waiting') =>
    series.reduce((sum, point) => sum + point[key], 0) / series.length
  return {
    value: of(({ value }) => value),
    valueHours: of(({ valueHours }) => valueHours),
    served: of(({ served, tasks }) => served / tasks),
    jain: of(({ jain }) => jain),
    cpu: of((day) => meanOf(day, 'cpu')),
    memory: of((day) => meanOf(day, 'memory')),
    waiting: of((day) => meanOf(day, 'waiting')),
  }
}

/** Every so many rounds one, which is enough to draw a day. */
function thinned({ series }: ReplayResult) {
  const every = Math.max(1, Math.floor(series.length / POINTS))
  const short = (value: number) => Number(value.toPrecision(4))
  return series
    .filter((_, at) => at % every === every - 1)
    .map(({ hour, cpu, memory, cpuPrice, memoryPrice, jain }) => ({
      hour: short(hour),
      cpu: short(cpu),
      memory: short(memory),
      cpuPrice: short(cpuPrice),
      memoryPrice: short(memoryPrice),
      jain: short(jain),
    }))
}
