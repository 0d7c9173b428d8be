/** What the figures need of test/bench/results/auction.json. */
export interface StoredAuction {
  readonly detail: {
    readonly hierarchy?: {
      readonly scaling?: {
        readonly threads: number
        readonly exponent: number
        readonly rows: readonly {
          readonly requests: number
          readonly seconds: number
          readonly cpuSeconds: number
        }[]
      }
    }
    readonly replay?: {
      readonly loads: readonly {
        readonly load: number
        readonly series: readonly { readonly name: string; readonly points: readonly DayPoint[] }[]
      }[]
    }
  }
}

interface DayPoint {
  readonly hour: number
  readonly cpu: number
  readonly cpuPrice: number
  readonly jain: number
}

interface Line {
  readonly label: string
  readonly points: readonly (readonly [x: number, y: number])[]
}

interface Panel {
  readonly title: string
  readonly xLabel: string
  readonly yLabel: string
  readonly lines: readonly Line[]
  readonly logarithmic: boolean
}

const WIDTH = 860
const HEIGHT = 300
const plot = { left: 70, top: 40, right: 660, bottom: 244 }
/** Lines are told apart by dashes, too. */
const strokes = [
  ['#0b5cad', ''],
  ['#b3400a', '7 4'],
  ['#1a7f37', '2 3'],
  ['#8250df', '9 3 2 3'],
] as const

/** The figures of docs/auction-hierarchy.md by file name; none of what was not measured. */
export function auctionFigures({ detail }: StoredAuction): Record<string, string> {
  const figures: Record<string, string> = {}
  const day = detail.replay?.loads.at(-1)
  if (day !== undefined) {
    const of = (title: string, yLabel: string, key: 'cpu' | 'jain' | 'cpuPrice', only?: string): Panel => ({
      title,
      xLabel: 'hour of the day',
      yLabel,
      logarithmic: false,
      lines: day.series
        .filter(({ name }) => only === undefined || name === only)
        .map(({ name, points }) => ({ label: name, points: points.map((at) => [at.hour, at[key]]) })),
    })
    figures['auction-day.svg'] = drawn(`A day of the task trace, load ${day.load}`, [
      of('CPU in use', 'share of all', 'cpu'),
      of('Price of CPU', 'utility for a machine', 'cpuPrice', 'auction'),
      of('Fairness: Jain over all requesters so far', 'index', 'jain'),
    ])
  }
  const scaling = detail.hierarchy?.scaling
  if (scaling !== undefined) {
    const line = (label: string, key: 'seconds' | 'cpuSeconds'): Line => ({
      label,
      points: scaling.rows.map((row) => [row.requests, row[key]]),
    })
    figures['auction-scaling.svg'] = drawn('Time of a clearing against its size', [
      {
        title: `Time of a clearing, ${scaling.threads} threads, exponent ${scaling.exponent.toFixed(2)}`,
        xLabel: 'requests (resources: a quarter)',
        yLabel: 'seconds',
        logarithmic: true,
        lines: [line('by the clock', 'seconds'), line('of processors', 'cpuSeconds')],
      },
    ])
  }
  return figures
}

function drawn(title: string, panels: readonly Panel[]): string {
  const height = HEIGHT * panels.length
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escaped(title)}" font-family="system-ui, sans-serif" font-size="13">`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    ...panels.map((panel, at) => `<g transform="translate(0 ${HEIGHT * at})">${panelOf(panel)}</g>`),
    '</svg>',
    '',
  ].join('\n')
}

function panelOf({ title, xLabel, yLabel, lines, logarithmic }: Panel): string {
  const all = lines.flatMap(({ points }) => points)
  const [x, xTicks] = axis(
    all.map(([at]) => at),
    plot.left,
    plot.right,
    logarithmic,
  )
  const [y, yTicks] = axis(
    all.map(([, at]) => at),
    plot.bottom,
    plot.top,
    logarithmic,
  )
  const grid = [
    ...xTicks.map((tick) => {
      const at = r(x(tick))
      return `<line x1="${at}" x2="${at}" y1="${plot.top}" y2="${plot.bottom}" stroke="#d1d9e0"/>${text(x(tick), plot.bottom + 17, tick, 'middle')}`
    }),
    ...yTicks.map((tick) => {
      const at = r(y(tick))
      return `<line x1="${plot.left}" x2="${plot.right}" y1="${at}" y2="${at}" stroke="#d1d9e0"/>${text(plot.left - 8, y(tick) + 4, tick, 'end')}`
    }),
  ]
  const curves = lines.map(({ label, points }, at) => {
    const [stroke, dashes] = strokes[at % strokes.length]!
    const style = `fill="none" stroke="${stroke}" stroke-width="${at === 0 ? 2.4 : 1.6}" stroke-dasharray="${dashes}"`
    const path = points.map(([px, py]) => `${r(x(px))},${r(y(py))}`).join(' ')
    const top = plot.top + 12 + 22 * at
    return `<polyline ${style} points="${path}"/><line ${style} x1="676" x2="706" y1="${top}" y2="${top}"/>${text(714, top + 4, label)}`
  })
  const middle = (plot.top + plot.bottom) / 2
  return [
    `<text x="${plot.left}" y="24" font-size="15" font-weight="600">${escaped(title)}</text>`,
    ...grid,
    ...curves,
    text((plot.left + plot.right) / 2, plot.bottom + 38, xLabel, 'middle'),
    `<text transform="translate(18 ${middle}) rotate(-90)" text-anchor="middle">${escaped(yLabel)}</text>`,
  ].join('\n')
}

type Scale = (value: number) => number

function axis(
  values: readonly number[],
  from: number,
  to: number,
  logarithmic: boolean,
): [Scale, readonly number[]] {
  if (logarithmic) {
    const [low, high] = [Math.min(...values) / 1.3, Math.max(...values) * 1.3]
    const powers = [-3, -2, -1, 0, 1, 2, 3, 4, 5, 6].map((power) => 10 ** power)
    const scale = (value: number) => from + ((to - from) * Math.log(value / low)) / Math.log(high / low)
    return [scale, powers.filter((tick) => tick >= low && tick <= high)]
  }
  const [low, high] = [0, Math.max(...values) || 1]
  const step = [0.1, 0.2, 0.5, 1, 2, 4, 10].find((size) => high / size <= 6.5) ?? high
  const ticks = Array.from({ length: Math.floor(high / step + 1e-9) + 1 }, (_, at) => at * step)
  return [(value) => from + ((to - from) * (value - low)) / (high - low), ticks]
}

const r = (value: number): string => String(Number(value.toFixed(1)))
const text = (x: number, y: number, words: string | number, anchor = 'start'): string =>
  `<text x="${r(x)}" y="${r(y)}" text-anchor="${anchor}">${escaped(typeof words === 'number' ? String(Number(words.toPrecision(6))) : words)}</text>`
const escaped = (words: string): string =>
  words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
