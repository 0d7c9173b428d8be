import { thinnedFront } from '../bench/policy/thinned-front.ts'

/** Mean costs of one policy under many preferences: `[delay in s, energy in J]` a task. */
export type StoredFront = readonly (readonly number[])[]

/** Fronts by system, as suite `policy` stores them. */
export type StoredFronts = Readonly<
  Record<string, { readonly learned: StoredFront; readonly greedy: StoredFront }>
>

const WIDTH = 860
const PANEL = { width: 430, height: 300 }
const HEAD = 70
const plot = { left: 66, top: 34, right: 412, bottom: 246 }

/** The fronts of learned policy and greedy-ω, a panel for each system, delay on a logarithmic axis; left and down is better. */
export function frontFigure(fronts: StoredFronts): string {
  const systems = Object.entries(fronts)
  const height = HEAD + PANEL.height * Math.ceil(systems.length / 2)
  const title = 'Delay and energy of a task: one policy under all preferences'
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${title}">`,
    `<style>${css}</style>`,
    `<rect class="ground" width="${WIDTH}" height="${height}"/>`,
    `<text class="title" x="${plot.left}" y="28">${title}</text>`,
    ...['learned', 'greedy'].map((name, at) => {
      const x = plot.left + 130 * at
      const label = name === 'greedy' ? 'greedy-ω' : name
      return `<line class="${name}" x1="${x}" x2="${x + 30}" y1="50" y2="50"/>${marked(name, x + 15, 50)}<text x="${x + 38}" y="54">${label}</text>`
    }),
    ...systems.map(([system, of], at) => {
      const place = `${PANEL.width * (at % 2)} ${HEAD + PANEL.height * Math.floor(at / 2)}`
      return `<g transform="translate(${place})">${panel(system, of)}</g>`
    }),
    '</svg>',
    '',
  ].join('\n')
}

function panel(system: string, stored: StoredFronts[string]): string {
  const [learned, greedy] = [thinnedFront(stored.learned), thinnedFront(stored.greedy)]
  const all = [...learned, ...greedy]
  const [x, delays] = logarithmic(all.map(([delay]) => delay!))
  const [y, energies] = linear(all.map(([, energy]) => energy!))
  const grid = [
    ...delays.map(
      (tick) =>
        `<line class="grid" x1="${r(x(tick))}" x2="${r(x(tick))}" y1="${plot.top}" y2="${plot.bottom}"/><text class="tick" x="${r(x(tick))}" y="${plot.bottom + 17}" text-anchor="middle">${tick}</text>`,
    ),
    ...energies.map(
      (tick) =>
        `<line class="grid" x1="${plot.left}" x2="${plot.right}" y1="${r(y(tick))}" y2="${r(y(tick))}"/><text class="tick" x="${plot.left - 7}" y="${r(y(tick) + 4)}" text-anchor="end">${Number(tick.toPrecision(6))}</text>`,
    ),
  ]
  const curve = (name: string, front: StoredFront) => {
    const places = front.map(([delay, energy]) => [x(delay!), y(energy!)] as const)
    const path = places.map(([px, py]) => `${r(px)},${r(py)}`).join(' ')
    return `<polyline class="${name}" points="${path}"/>${places.map(([px, py]) => marked(name, px, py)).join('')}`
  }
  const middle = (plot.top + plot.bottom) / 2
  return [
    `<text class="system" x="${plot.left}" y="24">${system}</text>`,
    ...grid,
    curve('greedy', greedy),
    curve('learned', learned),
    `<text x="${(plot.left + plot.right) / 2}" y="${plot.bottom + 37}" text-anchor="middle">delay, s (logarithmic)</text>`,
    `<text transform="translate(16 ${middle}) rotate(-90)" text-anchor="middle">energy, J</text>`,
  ].join('\n')
}

type Scale = (value: number) => number

function logarithmic(values: readonly number[]): [Scale, number[]] {
  const [low, high] = [Math.min(...values) / 1.1, Math.max(...values) * 1.1]
  const ticks = [0.01, 0.1, 1, 10, 100].flatMap((power) =>
    [1, 2, 5].map((step) => Number((step * power).toPrecision(3))),
  )
  const scale = (value: number) =>
    plot.left + ((plot.right - plot.left) * Math.log(value / low)) / Math.log(high / low)
  return [scale, ticks.filter((tick) => tick >= low && tick <= high)]
}

function linear(values: readonly number[]): [Scale, number[]] {
  const [least, most] = [Math.min(...values), Math.max(...values)]
  const room = (most - least) * 0.06 || most * 0.06 || 1
  const [low, high] = [least - room, most + room]
  const power = 10 ** Math.floor(Math.log10((high - low) / 5))
  const step = power * ([1, 2, 5, 10].find((size) => size * power >= (high - low) / 5) ?? 10)
  const first = Math.ceil(low / step)
  const ticks = Array.from({ length: Math.floor(high / step) - first + 1 }, (_, at) => (first + at) * step)
  return [(value) => plot.bottom - ((plot.bottom - plot.top) * (value - low)) / (high - low), ticks]
}

/** A full circle for what is learned, a hollow one for greedy-ω: they are told apart without colour, too. */
const marked = (name: string, px: number, py: number): string =>
  `<circle class="${name}" cx="${r(px)}" cy="${r(py)}" r="2.6"/>`

const r = (value: number): string => String(Number(value.toFixed(1)))

const colours = (paper: string, ink: string, faint: string, learned: string, greedy: string) =>
  [
    `text{fill:${ink}}.ground{fill:${paper}}.grid{stroke:${faint}}`,
    `line.learned,polyline.learned{stroke:${learned}}circle.learned{fill:${learned}}`,
    `line.greedy,polyline.greedy{stroke:${greedy}}circle.greedy{fill:${paper};stroke:${greedy}}`,
  ].join('')

/** It follows the reader's preference for light or dark. */
const css = [
  'text{font-family:system-ui,sans-serif;font-size:13px}.title{font-size:16px;font-weight:600}.system{font-weight:600}.tick{font-size:12px}',
  'polyline{fill:none}line.learned,polyline.learned{stroke-width:2.4}line.greedy,polyline.greedy{stroke-width:1.4;stroke-dasharray:6 4}',
  colours('#fff', '#1f2328', '#d1d9e0', '#0b5cad', '#b3400a'),
  `@media(prefers-color-scheme:dark){${colours('#0d1117', '#e6edf3', '#30363d', '#6cb6ff', '#ff9d5c')}}`,
].join('')
