/** One curve: points from few bytes to many. */
export interface Series {
  readonly label: string
  /** Ours is drawn strong; what is no curve, but single points, has no line. */
  readonly style: 'ours' | 'curve' | 'points'
  readonly points: readonly { readonly bytes: number; readonly score: number }[]
}

export interface RateFigure {
  readonly title: string
  readonly scoreLabel: string
  readonly series: readonly Series[]
  /** A level that all are held against, drawn as a line across. */
  readonly reference?: { readonly label: string; readonly score: number }
  /** The lowest score that is shown; points below are left out. */
  readonly lowest: number
}

const WIDTH = 860
const HEIGHT = 470
const plot = { left: 62, top: 48, right: 640, bottom: 410 }

/** Told apart by eyes that see colour and by those that do not: eight hues, each with a shape of its own; darker for light ground. */
const hues = [
  ['#0b5cad', '#6cb6ff'],
  ['#b3400a', '#ff9d5c'],
  ['#8a6d00', '#e3b341'],
  ['#1a7f37', '#56d364'],
  ['#8250df', '#d2a8ff'],
  ['#a0306f', '#ff80c8'],
  ['#0f766e', '#4fd1c5'],
  ['#57606a', '#adbac7'],
] as const

const round = (value: number): string => String(Number(value.toFixed(1)))
const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

/** Whole ticks of a logarithmic axis: 1, 2 and 5 times every power of ten. */
function byteTicks(from: number, to: number): number[] {
  const ticks: number[] = []
  for (let power = Math.floor(Math.log10(from)); power <= Math.ceil(Math.log10(to)); power++) {
    for (const step of [1, 2, 5]) ticks.push(step * 10 ** power)
  }
  return ticks.filter((tick) => tick >= from && tick <= to)
}

function scoreTicks(from: number, to: number): number[] {
  const step = [1, 2, 5, 10, 20].find((size) => (to - from) / size <= 8) ?? 25
  const first = Math.ceil(from / step)
  return Array.from({ length: Math.floor(to / step) - first + 1 }, (_, at) => (first + at) * step)
}

const inBytes = (value: number): string => (value >= 1000 ? `${value / 1000} kB` : `${value} B`)

/**
 * Score against bytes, bytes on a logarithmic axis, as an SVG that reads well on light and on dark ground (it follows the reader's
 * preference). The same data gives the same text.
 */
export function rateFigure({ title, scoreLabel, series, reference, lowest }: RateFigure): string {
  const shown = series.map((one) => ({ ...one, points: one.points.filter(({ score }) => score >= lowest) }))
  const all = shown.flatMap(({ points }) => points)
  const bytes = all.map((point) => point.bytes)
  const [from, to] = [Math.min(...bytes) / 1.15, Math.max(...bytes) * 1.15]
  const top = Math.max(...(reference ? [reference.score] : []), ...all.map(({ score }) => score))
  const highest = top + (top - lowest) / 20
  const x = (value: number) =>
    plot.left + ((plot.right - plot.left) * Math.log(value / from)) / Math.log(to / from)
  const y = (score: number) =>
    plot.bottom - ((plot.bottom - plot.top) * (score - lowest)) / (highest - lowest)

  const vertical = byteTicks(from, to).flatMap((tick) => [
    `<line class="grid" x1="${round(x(tick))}" y1="${plot.top}" x2="${round(x(tick))}" y2="${plot.bottom}"/>`,
    `<text class="tick" x="${round(x(tick))}" y="${plot.bottom + 18}" text-anchor="middle">${inBytes(tick)}</text>`,
  ])
  const horizontal = scoreTicks(lowest, highest).flatMap((tick) => [
    `<line class="grid" x1="${plot.left}" y1="${round(y(tick))}" x2="${plot.right}" y2="${round(y(tick))}"/>`,
    `<text class="tick" x="${plot.left - 8}" y="${round(y(tick) + 4)}" text-anchor="end">${tick}</text>`,
  ])
  const level = reference ? round(y(reference.score)) : ''
  const across = reference
    ? [`<line class="reference" x1="${plot.left}" y1="${level}" x2="${plot.right}" y2="${level}"/>`]
    : []
  const curves = shown.flatMap((one, at) => curve(one, at % hues.length, x, y))
  const entry = (at: number, label: string, line: string, mark = '') => {
    const top = plot.top + 14 + 24 * at
    const sample = line && `<line class="${line}" x1="656" y1="${top}" x2="684" y2="${top}"/>`
    return `${sample}${mark && marked(Number(mark), 670, top)}<text class="label" x="692" y="${top + 4}">${escaped(label)}</text>`
  }
  const legend = shown.map(({ label, style }, at) => {
    const hue = at % hues.length
    return entry(at, label, style === 'points' ? '' : `${style} s${hue}`, String(hue))
  })
  if (reference) legend.push(entry(shown.length, reference.label, 'reference'))
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escaped(title)}">`,
    `<style>${css()}</style>`,
    `<rect class="ground" width="${WIDTH}" height="${HEIGHT}"/>`,
    `<text class="title" x="${plot.left}" y="28">${escaped(title)}</text>`,
    ...vertical,
    ...horizontal,
    ...across,
    ...curves,
    `<text class="label" x="${(plot.left + plot.right) / 2}" y="${plot.bottom + 42}" text-anchor="middle">bytes per frame (logarithmic)</text>`,
    `<text class="label" transform="translate(18 ${(plot.top + plot.bottom) / 2}) rotate(-90)" text-anchor="middle">${escaped(scoreLabel)}</text>`,
    ...legend,
    '</svg>',
    '',
  ].join('\n')
}

type Scale = (value: number) => number

function curve({ points, style }: Series, hue: number, x: Scale, y: Scale): string[] {
  const sorted = [...points].sort((a, b) => a.bytes - b.bytes)
  const places = sorted.map(({ bytes, score }) => [x(bytes), y(score)] as const)
  const path = places.map(([px, py]) => `${round(px)},${round(py)}`).join(' ')
  const line =
    style === 'points' || places.length < 2 ? [] : [`<polyline class="${style} s${hue}" points="${path}"/>`]
  return [...line, ...places.map(([px, py]) => marked(hue, px, py))]
}

/** A circle, square, diamond or triangle, filled or hollow: eight marks. */
function marked(hue: number, px: number, py: number): string {
  const kind = `${hue % 2 === 0 ? 'f' : 'h'}${hue}`
  const corners = [
    [],
    [
      [-4, -4],
      [4, -4],
      [4, 4],
      [-4, 4],
    ],
    [
      [0, -5.5],
      [5.5, 0],
      [0, 5.5],
      [-5.5, 0],
    ],
    [
      [0, -5],
      [5, 4],
      [-5, 4],
    ],
  ][hue % 4]!
  if (corners.length === 0) return `<circle class="${kind}" cx="${round(px)}" cy="${round(py)}" r="4.2"/>`
  const path = corners.map(([dx, dy]) => `${round(px + dx!)},${round(py + dy!)}`).join(' ')
  return `<polygon class="${kind}" points="${path}"/>`
}

function css(): string {
  const colours = (at: 0 | 1) =>
    hues
      .map((pair, hue) => {
        const filled = hue % 2 === 0
        const own = filled
          ? `.f${hue}{fill:${pair[at]}}`
          : `.h${hue}{fill:var(--ground);stroke:${pair[at]};stroke-width:2}`
        return `.s${hue}{stroke:${pair[at]}}${own}`
      })
      .join('')
  const ground = (at: 0 | 1) =>
    at === 0
      ? ':root{--ground:#fff;--ink:#1f2328;--faint:#d1d9e0}'
      : ':root{--ground:#0d1117;--ink:#e6edf3;--faint:#30363d}'
  return [
    'text{font-family:system-ui,sans-serif;fill:var(--ink)}.title{font-size:16px;font-weight:600}.label{font-size:13px}.tick{font-size:12px}',
    '.ground{fill:var(--ground)}.grid{stroke:var(--faint);stroke-width:1}.reference{stroke:var(--ink);stroke-dasharray:6 4}',
    'polyline{fill:none}.curve{stroke-width:1.6}.ours{stroke-width:3}',
    ground(0),
    colours(0),
    `@media(prefers-color-scheme:dark){${ground(1)}${colours(1)}}`,
  ].join('')
}
