import {
  candidatesOf,
  defaultWeights,
  localSearch,
  type Market,
  packingOf,
} from '@isthmus/edge-server/auction'
import { clearByClusters, type HierarchyOptions, ShardThreads } from '@isthmus/edge-server/auction/hierarchy'
import { leftOut, type Part } from '../part.ts'
import { median } from '../statistics.ts'
import type { FigureSpec, SuiteContext } from '../suite.ts'
import { geographicMarket } from './geographic-market.ts'
import { mohafMarket, noData, sharedData } from './published-data.ts'

export const scaleFigures: readonly FigureSpec[] = [
  {
    name: 'hierarchyValuePct',
    meaning:
      'value with clusters, % of that without, the lower one of the published market and of 10,000 × 2,500 in towns',
    target: { atLeast: 98 },
    kind: 'result',
  },
  {
    name: 'clear100kSec',
    meaning:
      'a market of 100,000 requests and 25,000 resources in towns cleared by two threads, bound included, s',
    target: { atMost: 10 },
    kind: 'speed',
  },
  {
    name: 'scalingExponent',
    meaning: 'time of a clearing over its requests, 1,000 to 100,000: slope on logarithmic axes',
    target: { atMost: 1.15 },
    kind: 'speed',
  },
]

const LARGEST = 100_000
const SIZES = [1000, 5000, 10_000, 50_000, LARGEST] as const
const THREADS = 2
const SEED = 1

/** What clusters cost in value, and how the time of a clearing grows. */
export async function measureScale(context: SuiteContext): Promise<Part> {
  const values = await measureValue(context)
  const times = await measureTimes(context)
  return {
    figures: { ...values.figures, ...times.figures },
    missing: { ...values.missing, ...times.missing },
    detail: { hierarchy: { value: values.detail?.value, scaling: times.detail?.scaling } },
  }
}

async function measureValue({ quick, say }: SuiteContext): Promise<Part> {
  if (sharedData === undefined) return leftOut(['hierarchyValuePct'], noData)
  const [requests, resources] = quick ? [2000, 500] : [10_000, 2500]
  const rows = [
    await comparison('published', mohafMarket(sharedData), { zeroDemand: 'admit' }),
    await comparison(`towns ${requests} × ${resources}`, geographicMarket(requests, resources, SEED), {}),
  ]
  for (const { market, clusters, pct } of rows)
    say(`${market}: ${clusters} clusters keep ${pct.toFixed(2)} %`)
  return {
    figures: { hierarchyValuePct: Math.min(...rows.map(({ pct }) => pct)) },
    detail: { value: rows },
  }
}

async function comparison(name: string, market: Market, options: HierarchyOptions) {
  const { value, upperBound, gap, clusters, spilled } = await clearByClusters(market, options)
  // Without clusters: one auction over everything, by the same steps, and by those of a single round; the better one counts.
  const one = await clearByClusters(market, { ...options, clusters: 1 })
  const isSmall = market.requests.length * market.resources.length <= 5e6
  const search = isSmall
    ? localSearch(candidatesOf(market, defaultWeights, options), packingOf(market)).value
    : undefined
  const without = Math.max(one.value, search ?? 0)
  return {
    market: name,
    clusters: clusters.count,
    value,
    oneCluster: one.value,
    singleRound: search,
    pct: (100 * value) / without,
    upperBound,
    gap,
    upperBoundOneCluster: one.upperBound,
    spilled: [...spilled],
  }
}

async function measureTimes({ quick, say }: SuiteContext): Promise<Part> {
  const sizes = quick ? [500, 1000, 2000] : SIZES
  const runner = new ShardThreads(THREADS)
  const rows = []
  try {
    // Threads have started and code is compiled before anything is timed: a server clears many rounds.
    for (let warm = 0; warm < (quick ? 1 : 3); warm++) {
      await clearByClusters(geographicMarket(4000, 1000, SEED), { runner })
    }
    for (const requests of sizes) {
      const market = geographicMarket(requests, requests / 4, SEED)
      const runs = requests > 10_000 ? 2 : 5
      const seconds: number[] = []
      const cpuSeconds: number[] = []
      for (let run = 0; run < runs; run++) {
        const [startMs, used] = [performance.now(), process.cpuUsage()]
        const { value, gap, spilled, clusters } = await clearByClusters(market, { runner })
        const { user, system } = process.cpuUsage(used)
        seconds.push((performance.now() - startMs) / 1000)
        cpuSeconds.push((user + system) / 1e6)
        if (run + 1 < runs) continue
        rows.push({
          requests,
          resources: requests / 4,
          seconds: median(seconds),
          cpuSeconds: median(cpuSeconds),
          runs: seconds,
          value,
          gap,
          clusters: { ...clusters },
          spilled: [...spilled],
          maxResidentBytes: process.resourceUsage().maxRSS * 1024,
        })
      }
      say(
        `${requests} requests: ${rows.at(-1)!.seconds.toFixed(2)} s, ${rows.at(-1)!.cpuSeconds.toFixed(2)} s of processor`,
      )
    }
  } finally {
    await runner.close()
  }
  const exponent = slope(rows.map(({ requests, seconds }) => [Math.log(requests), Math.log(seconds)]))
  const exponentOfCpu = slope(
    rows.map(({ requests, cpuSeconds }) => [Math.log(requests), Math.log(cpuSeconds)]),
  )
  const largest = rows.find(({ requests }) => requests === LARGEST)
  const why = 'a quick run is of small markets only'
  return {
    figures: largest === undefined ? {} : { clear100kSec: largest.seconds, scalingExponent: exponent },
    missing: largest === undefined ? { clear100kSec: why, scalingExponent: why } : {},
    detail: { scaling: { threads: THREADS, seed: SEED, exponent, exponentOfCpu, rows } },
  }
}

/** Slope of the straight line with the least squares. */
export function slope(points: readonly (readonly [number, number])[]): number {
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / points.length
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / points.length
  let [over, under] = [0, 0]
  for (const [x, y] of points) {
    over += (x - meanX) * (y - meanY)
    under += (x - meanX) ** 2
  }
  return over / under
}
