import type { CodecRatio } from './compare.ts'
import { frontier } from './compare.ts'
import type { WayResult } from './evaluate.ts'

/** Everything that the report shows. */
export interface ReportData {
  readonly title: string
  /** Facts in two columns, in the order shown. */
  readonly facts: readonly (readonly [name: string, value: string])[]
  readonly ways: readonly WayResult[]
  readonly ratios: readonly CodecRatio[]
  readonly photos: number
}

const escaped = (text: string): string =>
  text.replace(/[&<>"]/g, (sign) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[sign]!)

const colours: Readonly<Record<string, string>> = {
  split: '#0b6e4f',
  jpeg: '#b5482f',
  webp: '#7a5195',
  avif: '#c28f00',
}

const names: Readonly<Record<string, string>> = {
  split: 'bottleneck',
  jpeg: 'JPEG',
  webp: 'WebP',
  avif: 'AVIF',
}

const kilobytes = (bytes: number): string => `${(bytes / 1000).toFixed(2)} kB`
const percent = (share: number): string => `${(100 * share).toFixed(1)} %`

/** The report as one HTML page that needs nothing else: the curve of agreement against bytes, the modes, and how they were made. */
export function reportPage(data: ReportData): string {
  const rows = data.ways.map(
    ({ name, family, bytes, agreement }) =>
      `<tr><td>${escaped(name)}</td><td>${names[family] ?? family}</td><td>${kilobytes(bytes)}</td><td>${percent(agreement)}</td></tr>`,
  )
  const ratios = data.ratios.map(
    ({ mode, family, codecBytes, ratio }) =>
      `<tr><td>${escaped(mode.name)}</td><td>${percent(mode.agreement)}</td><td>${kilobytes(mode.bytes)}</td><td>${names[family]} ${kilobytes(codecBytes)}</td><td>${ratio.toFixed(2)} ×</td></tr>`,
  )
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escaped(data.title)}</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
table { border-collapse: collapse; width: 100%; margin: 1rem 0 } td, th { text-align: left; padding: .25rem .6rem; border-bottom: 1px solid #ddd }
td:nth-child(n+3) { text-align: right; font-variant-numeric: tabular-nums } th:nth-child(n+3) { text-align: right }
.facts td { text-align: left } svg { width: 100%; height: auto } figcaption { color: #555 }
</style>
<h1>${escaped(data.title)}</h1>
<figure>${curve(data.ways)}<figcaption>Agreement with the teacher's best guess on ${data.photos} photos that the training never saw, against mean bytes sent for a photo (logarithmic). Up and left is better.</figcaption></figure>
<h2>Modes and codecs</h2>
<table><tr><th>way</th><th>by</th><th>sent</th><th>agrees</th></tr>${rows.join('')}</table>
<h2>Bytes for the same agreement</h2>
${
  ratios.length > 0
    ? `<table><tr><th>mode</th><th>agrees</th><th>sends</th><th>best codec needs</th><th>ratio</th></tr>${ratios.join('')}</table>`
    : '<p>No mode agrees as often as a point on the curve of a codec, so there is nothing to compare.</p>'
}
<h2>How it was made</h2>
<table class="facts">${data.facts.map(([name, value]) => `<tr><td>${escaped(name)}</td><td>${escaped(value)}</td></tr>`).join('')}</table>
</html>
`
}

const WIDTH = 720
const HEIGHT = 420
const LEFT = 56
const BOTTOM = 44

/** The curves as SVG; bytes on a logarithmic axis. */
export function curve(ways: readonly WayResult[]): string {
  const bytes = ways.map((way) => way.bytes)
  const [least, most] = [Math.log(0.9 * Math.min(...bytes)), Math.log(1.1 * Math.max(...bytes))]
  const lowest = Math.max(0, Math.floor(10 * Math.min(...ways.map((way) => way.agreement)) - 0.5) / 10)
  const x = (value: number) => LEFT + ((Math.log(value) - least) / (most - least || 1)) * (WIDTH - LEFT - 90)
  const y = (share: number) =>
    HEIGHT - BOTTOM - ((share - lowest) / (1 - lowest || 1)) * (HEIGHT - BOTTOM - 20)
  const text = (at: number, down: number, words: string, rest = '') =>
    `<text x="${at.toFixed(1)}" y="${down.toFixed(1)}" font-size="13" fill="#444" ${rest}>${escaped(words)}</text>`
  const levels = Array.from({ length: Math.round((1 - lowest) * 10) + 1 }, (_, i) => lowest + i / 10)
  const grid = levels.map(
    (share) =>
      `<line x1="${LEFT}" x2="${WIDTH - 90}" y1="${y(share).toFixed(1)}" y2="${y(share).toFixed(1)}" stroke="#ddd"/>${text(8, y(share) + 4, `${Math.round(100 * share)} %`)}`,
  )
  const ticks = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200]
    .map((kilo) => 1000 * kilo)
    .filter((value) => Math.log(value) >= least && Math.log(value) <= most)
    .map((value) => text(x(value), HEIGHT - 18, `${value / 1000} kB`, 'text-anchor="middle"'))
  const families = [...new Set(ways.map((way) => way.family))]
  const lines = families.map((family) => {
    const colour = colours[family] ?? '#555'
    const own = ways.filter((way) => way.family === family)
    const along = frontier(own)
    const path = along.map((way) => `${x(way.bytes).toFixed(1)},${y(way.agreement).toFixed(1)}`).join(' ')
    const dots = own.map(
      (way) =>
        `<circle cx="${x(way.bytes).toFixed(1)}" cy="${y(way.agreement).toFixed(1)}" r="4" fill="${colour}"><title>${escaped(way.name)}: ${kilobytes(way.bytes)}, ${percent(way.agreement)}</title></circle>`,
    )
    const end = along.at(-1)
    const label = end
      ? `<text x="${(x(end.bytes) + 9).toFixed(1)}" y="${(y(end.agreement) + 4).toFixed(1)}" font-size="13" fill="${colour}">${names[family] ?? escaped(family)}</text>`
      : ''
    return `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>${dots.join('')}${label}`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="agreement against bytes">${[...grid, ...ticks, ...lines].join('')}</svg>`
}
