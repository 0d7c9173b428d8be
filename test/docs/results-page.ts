import { readFile } from 'node:fs/promises'
import { describeTarget, type Target } from '../bench/suite.ts'

const suites = ['wire', 'train', 'split']

interface Stored {
  suite: string
  date: string
  machine: { cpu: string; cores: number; node: string }
  figures: Record<string, number>
  targets: Record<string, Target>
  missing: Record<string, string>
  detail: { modes?: Record<string, { top1: number; meanPayloadBytes: number; dropPts: number }> }
}

const shown = (value: number): string =>
  Number.isInteger(value) || Math.abs(value) >= 1e6 ? String(value) : String(Number(value.toPrecision(4)))

function section({ suite, date, machine, figures, targets, missing, detail }: Stored): string {
  const names = Object.keys(targets)
  const rows = names.map((name) => {
    const value = figures[name]
    const measured = value === undefined ? `not measured: ${missing[name]}` : shown(value)
    return `| ${name} | ${measured} | ${describeTarget(targets[name]!)} |`
  })
  return [
    `## ${suite}`,
    '',
    `${machine.cpu}, ${machine.cores} cores, Node ${machine.node.replace(/^v/, '')}, ${date.slice(0, 10)}.`,
    '',
    '| figure | measured | target |',
    '|---|---|---|',
    ...rows,
    '',
    ...modesTable(detail.modes),
  ].join('\n')
}

/** The operating points of the bundle: what crosses for a frame, and what it costs in accuracy. */
function modesTable(modes: Stored['detail']['modes']): string[] {
  if (!modes) return []
  const rows = Object.entries(modes).map(
    ([name, { top1, meanPayloadBytes, dropPts }]) =>
      `| ${name} | ${shown(meanPayloadBytes)} | ${shown(top1)} | ${shown(dropPts)} |`,
  )
  return [
    '| mode | bytes per frame, mean | top-1, % | below the teacher, points |',
    '|---|---|---|---|',
    ...rows,
    '',
  ]
}

/** docs/results.md, made from the files that `npm run bench` wrote. */
export async function resultsPage(): Promise<string> {
  const sections: string[] = []
  for (const suite of suites) {
    const file = new URL(`../../bench/results/${suite}.json`, import.meta.url)
    sections.push(section(JSON.parse(await readFile(file, 'utf8')) as Stored))
  }
  return [
    '# Results',
    '',
    'What `npm run bench -- <suite>` measured last. What each figure means and how it is taken:',
    '[benchmarks.md](benchmarks.md). Times drift on shared machines; ratios are taken within one run.',
    '',
    ...sections,
  ].join('\n')
}
