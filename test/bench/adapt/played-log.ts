import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import type { CorruptionType, Severity } from '@isthmus/models/data'
import type { Cell, CellPlayed } from './cell.ts'
import type { MethodName } from './methods.ts'
import type { Played } from './played.ts'

/** A cell and what became of it. */
export interface PlayedCell {
  readonly type: CorruptionType
  readonly severity: Severity
  readonly seed: number
  readonly played: CellPlayed
}

const columns = ['index', 'label', 'prediction', 'entropy', 'selected', 'version'] as const

/**
 * Writes a file for each cell: a gzipped table, one line an image and method. Entropy is kept to 1e-5 nats; everything that figures are
 * computed from is there.
 */
export async function writeLog(
  folder: string,
  { type, severity, seed }: Cell,
  played: CellPlayed,
): Promise<void> {
  const lines = [['method', ...columns].join(',')]
  for (const [method, rows] of Object.entries(played)) {
    for (let at = 0; at < rows.label.length; at++)
      lines.push(
        `${method},${rows.index[at]},${rows.label[at]},${rows.prediction[at]},${rows.entropy[at]!.toFixed(5)},${rows.selected[at]},${rows.version[at]}`,
      )
  }
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, `${type}-${severity}-${seed}.csv.gz`), await promisify(gzip)(lines.join('\n')))
}

/** Everything that a run has logged. */
export async function readLog(folder: string): Promise<PlayedCell[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.csv.gz')).sort()
  return Promise.all(
    files.map(async (file): Promise<PlayedCell> => {
      const [type, severity, seed] = file.replace('.csv.gz', '').split('-') as [string, string, string]
      const text = (await promisify(gunzip)(await readFile(join(folder, file)))).toString()
      return {
        type: type as CorruptionType,
        severity: Number(severity) as Severity,
        seed: Number(seed),
        played: parse(text),
      }
    }),
  )
}

function parse(text: string): CellPlayed {
  const rows = new Map<MethodName, number[][]>()
  for (const line of text.split('\n').slice(1)) {
    const [method, ...values] = line.split(',')
    const list = rows.get(method as MethodName) ?? []
    list.push(values.map(Number))
    rows.set(method as MethodName, list)
  }
  return Object.fromEntries(
    [...rows].map(([method, list]): [string, Played] => {
      const column = (at: number) => list.map((row) => row[at]!)
      return [
        method,
        {
          index: Uint16Array.from(column(0)),
          label: Uint8Array.from(column(1)),
          prediction: Uint8Array.from(column(2)),
          entropy: Float32Array.from(column(3)),
          selected: Uint8Array.from(column(4)),
          version: Uint32Array.from(column(5)),
        },
      ]
    }),
  )
}
