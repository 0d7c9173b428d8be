import type { SystemReport } from './front-report.ts'

const WIDTH = 760
const HEIGHT = 400
const plot = { left: 70, top: 44, right: 560, bottom: 340 }

/** Told apart by eyes that see colour and by those that do not: hues of even lightness steps. */
const hues = ['#0b5cad', '#b3400a', '#8a6d00', '#1a7f37', '#8250df', '#a0306f', '#0f766e', '#57606a'] as const
const shapes = ['circle', 'square', 'diamond', 'triangle'] as const

/**
 * The fronts as an SVG: a panel for each system, and for each objective against the first. Costs, so down and left is better; who
 * follows the preference has a line. Shown is where policy and greedy lie; what lies beyond is named as such.
 */
export function frontsSvg(reports: readonly SystemReport[]): string {
  const panels = reports.flatMap((report) =>
    report.costNames.slice(1).map((_, objective) => ({ report, objective: objective + 1 })),
  )
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT * panels.length}" role="img" aria-label="fronts of policies" font-family="system-ui, sans-serif" font-size="13">`,
    `<rect width="${WIDTH}" height="${HEIGHT * panels.length}" fill="#fff"/>`,
    ...panels.map(
      ({ report, objective }, at) =>
        `<g transform="translate(0 ${HEIGHT * at})">${panel(report, objective)}</g>`,
    ),
    '</svg>',
    '',
  ].join('\n')
}

function panel({ system, costNames, rows }: SystemReport, objective: number): string {
  const [policy, rule] = rows
  const shown = [...policy!.front, ...rule!.front]
  const [x, xs] = axis(
    shown.map((costs) => costs[0]!),
    plot.left,
    plot.right,
  )
  const [y, ys] = axis(
    shown.map((costs) => costs[objective]!),
    plot.bottom,
    plot.top,
  )
  const grid = [
    ...xs.map(
      (tick) =>
        `<line x1="${r(x(tick))}" x2="${r(x(tick))}" y1="${plot.top}" y2="${plot.bottom}" stroke="#d1d9e0"/>${text(x(tick), plot.bottom + 18, label(tick), 'middle')}`,
    ),
    ...ys.map(
      (tick) =>
        `<line x1="${plot.left}" x2="${plot.right}" y1="${r(y(tick))}" y2="${r(y(tick))}" stroke="#d1d9e0"/>${text(plot.left - 8, y(tick) + 4, label(tick), 'end')}`,
    ),
  ]
  const inside = (px: number, py: number) =>
    px >= plot.left - 1 && px <= plot.right + 1 && py >= plot.top - 1 && py <= plot.bottom + 1
  const series = rows.map(({ name, heeds, front }, at) => {
    const hue = hues[at % hues.length]!
    const places = [...front]
      .sort((a, b) => a[0]! - b[0]!)
      .map((costs) => [x(costs[0]!), y(costs[objective]!)] as const)
      .filter(([px, py]) => inside(px, py))
    const line =
      heeds && costNames.length === 2 && places.length > 1
        ? `<polyline fill="none" stroke="${hue}" stroke-width="${at === 0 ? 2.5 : 1.5}" points="${places.map(([px, py]) => `${r(px)},${r(py)}`).join(' ')}"/>`
        : ''
    const marks = places.map(([px, py]) => mark(at, px, py, hue))
    const top = plot.top + 10 + 22 * at
    const beyond = places.length === 0 ? ' (beyond)' : ''
    const entry = `${mark(at, plot.right + 22, top, hue)}${text(plot.right + 36, top + 4, `${name}${beyond}`)}`
    return `<g>${line}${marks.join('')}${entry}</g>`
  })
  return [
    `<text x="${plot.left}" y="26" font-size="16" font-weight="600">${escaped(system)}</text>`,
    ...grid,
    // The policy lies on top.
    ...series.reverse(),
    text((plot.left + plot.right) / 2, plot.bottom + 42, costNames[0]!, 'middle'),
    `<text transform="translate(16 ${(plot.top + plot.bottom) / 2}) rotate(-90)" text-anchor="middle">${escaped(costNames[objective]!)}</text>`,
  ].join('\n')
}

type Scale = (value: number) => number

/** A linear scale over the values with some room, and its ticks. */
function axis(values: readonly number[], from: number, to: number): [Scale, number[]] {
  const [least, most] = [Math.min(...values), Math.max(...values)]
  const room = (most - least || Math.abs(most) || 1) * 0.06
  const [low, high] = [least - room, most + room]
  const rough = (high - low) / 6
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = power * ([1, 2, 5, 10].find((size) => size * power >= rough) ?? 10)
  const first = Math.ceil(low / step)
  const ticks = Array.from({ length: Math.floor(high / step) - first + 1 }, (_, at) => (first + at) * step)
  return [(value) => from + ((to - from) * (value - low)) / (high - low), ticks]
}

function mark(at: number, px: number, py: number, hue: string): string {
  const fill = at % 2 === 0 ? hue : '#fff'
  const style = `fill="${fill}" stroke="${hue}" stroke-width="1.2"`
  const d = 3.2
  // The ninth has the first one's hue, but not its shape.
  switch (shapes[(at + Math.floor(at / hues.length)) % shapes.length]!) {
    case 'circle':
      return `<circle cx="${r(px)}" cy="${r(py)}" r="${d}" ${style}/>`
    case 'square':
      return `<rect x="${r(px - d)}" y="${r(py - d)}" width="${2 * d}" height="${2 * d}" ${style}/>`
    case 'diamond':
      return `<path d="M${r(px)} ${r(py - 4)}l4 4l-4 4l-4 -4z" ${style}/>`
    case 'triangle':
      return `<path d="M${r(px)} ${r(py - 4)}l4 7h-8z" ${style}/>`
  }
}

const text = (x: number, y: number, words: string, anchor = 'start'): string =>
  `<text x="${r(x)}" y="${r(y)}" text-anchor="${anchor}">${escaped(words)}</text>`
const label = (tick: number): string => String(Number(tick.toPrecision(6)))
const r = (value: number): string => String(Number(value.toFixed(1)))
const escaped = (words: string): string =>
  words.replace(/[&<>"]/g, (sign) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[sign]!)
