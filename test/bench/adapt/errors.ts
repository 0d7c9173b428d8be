import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cemaSettings } from '@isthmus/models/adapt'
import { benchmarkCorruptions, type CorruptionType, cacheFolder, type Severity } from '@isthmus/models/data'
import { runInThread } from '@isthmus/models/train'
import type { Part } from '../part.ts'
import type { Detail, FigureSpec, SuiteContext } from '../suite.ts'
import type { Cell, CellPlayed } from './cell.ts'
import type { CellsInput } from './cells-task.ts'
import { errorsTable, type MethodRow } from './errors-table.ts'
import { type MethodName, methodNames, methodSettings } from './methods.ts'
import type { AdaptNetworks } from './networks.ts'
import { readLog, writeLog } from './played-log.ts'

const shown = { source: 'Source', 'bn-1': 'Bn1', tent: 'Tent', eata: 'Eata', cema: 'Cema' } as const
const severities: readonly Severity[] = [3, 5]

export const errorFigures: readonly FigureSpec[] = [
  ...severities.flatMap((severity) =>
    Object.entries(shown).map(
      ([method, name]): FigureSpec => ({
        name: `err${name}_s${severity}`,
        meaning: `wrong answers of ${method} at severity ${severity}, mean over the 15 types, reset per shift, %`,
        target: { about: 0 },
        kind: 'result',
      }),
    ),
  ),
  ...severities.flatMap((severity): FigureSpec[] => [
    {
      name: `cemaOverEataPts_s${severity}`,
      meaning: `error of CEMA beyond EATA's at severity ${severity}, points`,
      target: { atMost: 0.3 },
      kind: 'result',
    },
    {
      name: `cemaOfSource_s${severity}`,
      meaning: `error of CEMA as a share of the network's that does not adapt, severity ${severity}`,
      target: { atMost: 0.6 },
      kind: 'result',
    },
    {
      name: `orderHolds_s${severity}`,
      meaning: `1: source errs more than BN-1, and BN-1 more than Tent, at severity ${severity}`,
      target: { atLeast: 1 },
      kind: 'result',
    },
    {
      name: `uploadShare_s${severity}`,
      meaning: `share of images that CEMA's device sends up at severity ${severity}`,
      target: { atMost: severity === 3 ? 0.45 : 0.35 },
      kind: 'result',
    },
    {
      name: `uploadVsEata_s${severity}`,
      meaning: `what CEMA sends up ÷ what EATA's filter would, severity ${severity}`,
      target: { about: 0.75 },
      kind: 'result',
    },
  ]),
]

/** Named in the log's folder, so that cells of other code are not taken for these. Raise it when a method changes. */
const REVISION = 5

/** Whole batches for every method: 10 of 200, 125 of 16. */
const COUNT = 2000

/** Methods × types × severities × seeds, each cell on the same images for all methods. Cells that are logged already are not played again. */
export async function measureErrors(networks: AdaptNetworks, context: SuiteContext): Promise<Part> {
  const { quick, bundles, threads, say } = context
  const types: readonly CorruptionType[] = quick ? ['fog', 'contrast'] : benchmarkCorruptions
  const seeds = quick ? [1] : [1, 2, 3]
  const count = quick ? 800 : COUNT
  const methods: readonly MethodName[] = quick ? ['source', 'bn-1', 'tent', 'eata', 'cema'] : methodNames
  const cells = types.flatMap((type) =>
    severities.flatMap((severity) => seeds.map((seed): Cell => ({ type, severity, seed, count, methods }))),
  )
  // A quick run plays all of its cells every time.
  const folder = quick
    ? await mkdtemp(join(tmpdir(), 'isthmus-adapt-'))
    : logFolder(networks, { count, methods })
  await playAll(cells, { bundles, folder, threads, say })
  const table = errorsTable(await readLog(folder))
  if (quick) await rm(folder, { recursive: true })
  const { figures } = figuresOf(table)
  return {
    figures,
    ...(quick ? { verdicts: quickVerdicts(figures!) } : {}),
    detail: {
      errors: { ...(quick ? {} : { log: folderName(folder) }), count, seeds, table: asDetail(table) },
    },
  }
}

/** A quick run has too few images for differences of a point; that adapting helps at all shows even there. */
function quickVerdicts(figures: Readonly<Record<string, number | undefined>>): Record<string, string | null> {
  const helps = severities.every(
    (severity) => figures[`errCema_s${severity}`]! < figures[`errSource_s${severity}`]!,
  )
  const verdict = helps ? null : 'CEMA errs more than the network that does not adapt'
  return Object.fromEntries(errorFigures.map(({ name }) => [name, verdict]))
}

/** The figures, from nothing but the table. */
export function figuresOf(table: readonly MethodRow[]): Pick<Part, 'figures'> {
  const figures: Record<string, number> = {}
  for (const severity of severities) {
    const row = (method: MethodName) =>
      table.find((entry) => entry.method === method && entry.severity === severity)!
    const error = (method: MethodName) => row(method).error.mean
    for (const [method, name] of Object.entries(shown))
      figures[`err${name}_s${severity}`] = error(method as MethodName)
    figures[`cemaOverEataPts_s${severity}`] = error('cema') - error('eata')
    figures[`cemaOfSource_s${severity}`] = error('cema') / error('source')
    figures[`orderHolds_s${severity}`] =
      error('source') > error('bn-1') && error('bn-1') > error('tent') ? 1 : 0
    figures[`uploadShare_s${severity}`] = row('cema').selected.mean
    figures[`uploadVsEata_s${severity}`] = row('cema').selected.mean / row('eata').selected.mean
  }
  return { figures }
}

/** As many threads as cores, each with the cells of one type at a time. */
async function playAll(
  cells: readonly Cell[],
  { bundles, folder, threads, say }: Pick<SuiteContext, 'bundles' | 'threads' | 'say'> & { folder: string },
): Promise<void> {
  const logged = ({ type, severity, seed }: Cell) =>
    existsSync(join(folder, `${type}-${severity}-${seed}.csv.gz`))
  const waiting = benchmarkCorruptions
    .map((type) => cells.filter((cell) => cell.type === type && !logged(cell)))
    .filter((group) => group.length > 0)
  let left = waiting.length
  const worker = async () => {
    for (let group = waiting.shift(); group; group = waiting.shift()) {
      const input: CellsInput = { bundles, cells: group }
      const played = await runInThread<CellPlayed[]>(new URL('./cells-task.js', import.meta.url), input)
      for (const [at, cell] of group.entries()) await writeLog(folder, cell, played[at]!)
      say(`${group[0]!.type} done, ${--left} types to go`)
    }
  }
  await Promise.all(Array.from({ length: threads }, worker))
}

function logFolder(
  { bundle: { manifest } }: AdaptNetworks,
  run: { count: number; methods: readonly MethodName[] },
): string {
  // The split network takes no part.
  const { local, full } = manifest.models
  const networks = [local!.sha256, full!.sha256, manifest.input]
  const identity = JSON.stringify([REVISION, run, cemaSettings, methodSettings, networks])
  const name = createHash('sha256').update(identity).digest('hex').slice(0, 12)
  return join(cacheFolder(), 'bench-adapt', name)
}

/** Without the machine's path. */
const folderName = (folder: string): string => folder.slice(cacheFolder().length + 1)

const asDetail = (table: readonly MethodRow[]): Detail =>
  table.map(({ method, severity, error, selected, byType }) => ({
    method,
    severity,
    error: { ...error },
    selected: { ...selected },
    byType,
  }))
