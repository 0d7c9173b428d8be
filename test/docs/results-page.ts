import { readFile } from 'node:fs/promises'
import { describeTarget, type Target } from '../bench/suite.ts'
import { adaptSections, type StoredAdapt } from './adapt-tables.ts'
import { auctionFigures, type StoredAuction as DrawnAuction } from './auction-figures.ts'
import { auctionSections, type StoredAuction } from './auction-tables.ts'
import { dagSections, type StoredDag } from './dag-tables.ts'
import { frontFigure } from './front-figure.ts'
import { policySections, type StoredPolicy } from './policy-tables.ts'
import { cifarFigure, inceptionFigure } from './split-figures.ts'
import { parseSplitResult } from './split-result.ts'
import { shown, splitSections } from './split-tables.ts'
import { type StoredTax, taxTable } from './tax-table.ts'
import { type StoredVariants, variantsTable } from './variants-table.ts'

const suites = ['wire', 'train', 'split', 'variants', 'tax', 'policy', 'dag', 'auction', 'adapt']

interface Stored {
  suite: string
  date: string
  machine: { cpu: string; cores: number; node: string }
  figures: Record<string, number>
  targets: Record<string, Target>
  missing: Record<string, string>
}

function section(
  { suite, date, machine, figures, targets, missing }: Stored,
  below: readonly string[],
): string {
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
    ...below,
  ].join('\n')
}

async function storedResult(suite: string): Promise<unknown> {
  return JSON.parse(await readFile(new URL(`../../bench/results/${suite}.json`, import.meta.url), 'utf8'))
}

/** The figures that the stored results give: file name in docs/figures → SVG. */
export async function resultFigures(): Promise<Record<string, string>> {
  const split = parseSplitResult(await storedResult('split'))
  const auction = (await storedResult('auction')) as DrawnAuction
  const { fronts } = ((await storedResult('policy')) as StoredPolicy).detail
  const drawn: Record<string, string | undefined> = {
    'split-cifar10.svg': cifarFigure(split),
    'split-inception.svg': inceptionFigure(split),
    'policy-fronts.svg': fronts && frontFigure(fronts),
    ...auctionFigures(auction),
  }
  return Object.fromEntries(Object.entries(drawn).flatMap(([name, svg]) => (svg ? [[name, svg]] : [])))
}

function belowFigures(suite: string, stored: unknown, figures: readonly string[]): readonly string[] {
  if (suite === 'split') return splitSections(parseSplitResult(stored), figures)
  if (suite === 'policy') return policySections(stored as StoredPolicy, figures)
  if (suite === 'dag') return dagSections(stored as StoredDag)
  if (suite === 'adapt') return adaptSections(stored as StoredAdapt)
  if (suite === 'auction') return auctionSections(stored as StoredAuction, figures)
  if (suite === 'tax') return taxTable(stored as StoredTax)
  return suite === 'variants' ? variantsTable(stored as StoredVariants) : []
}

/** docs/results.md, made from the files that `npm run bench` wrote. */
export async function resultsPage(): Promise<string> {
  const sections: string[] = []
  const figures = Object.keys(await resultFigures())
  for (const suite of suites) {
    const stored = await storedResult(suite).catch(() => undefined)
    // A suite of many trainings may not have been run yet.
    if (stored === undefined) continue
    const below = belowFigures(suite, stored, figures)
    sections.push(section(stored as Stored, below))
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
