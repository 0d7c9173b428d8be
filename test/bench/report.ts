import { mkdir, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'
import type { Machine } from './machine.ts'
import { describeTarget, type Measurement, reaches, type Suite } from './suite.ts'

const number = z.number()

/** The JSON object that a run prints as its last line and that `results/<suite>.json` holds. */
export const resultSchema = z.strictObject({
  suite: z.string(),
  machine: z.strictObject({
    cpu: z.string(),
    cores: z.int().min(1),
    memoryGb: number,
    system: z.string(),
    node: z.string(),
    busyCores: number,
  }),
  /** When the run began, ISO 8601. */
  date: z.iso.datetime(),
  quick: z.boolean(),
  /** Finite by zod's own rule: JSON knows neither NaN nor Infinity. */
  figures: z.record(z.string(), number),
  missing: z.record(z.string(), z.string()),
  targets: z.record(
    z.string(),
    z.union([
      z.strictObject({ atMost: number }),
      z.strictObject({ atLeast: number }),
      z.strictObject({ about: number }),
    ]),
  ),
  peers: z.record(z.string(), z.json()),
  detail: z.record(z.string(), z.json()),
})

export type Result = z.output<typeof resultSchema>

/** Puts a suite's measurement into the form that is published. Figures that are not finite become missing ones. */
export function resultOf(
  suite: Suite,
  measured: Measurement,
  run: { quick: boolean; date: Date; machine: Machine },
): Result {
  const figures: Record<string, number> = {}
  const missing: Record<string, string> = { ...measured.missing }
  for (const { name } of suite.figures) {
    const value = measured.figures[name]
    if (value !== undefined && Number.isFinite(value)) figures[name] = value
    else missing[name] ??= value === undefined ? 'was not measured' : `came out as ${value}`
  }
  return resultSchema.parse({
    suite: suite.name,
    machine: run.machine,
    date: run.date.toISOString(),
    quick: run.quick,
    figures,
    missing,
    targets: Object.fromEntries(suite.figures.map(({ name, target }) => [name, target])),
    peers: measured.peers,
    // Drops what is undefined, as JSON does.
    detail: JSON.parse(JSON.stringify(measured.detail)),
  })
}

/**
 * What makes a run fail: figures that are not numbers and have no excuse (a peer that is not installed), or that the suite itself
 * judged to be out of reach, and results that miss their target. Speed never fails a run: that depends on the machine.
 */
export function faultsOf(suite: Suite, measured: Measurement): string[] {
  const faults: string[] = []
  for (const { name, kind, target } of suite.figures) {
    const value = measured.figures[name]
    const excuse = measured.missing?.[name]
    const verdict = measured.verdicts?.[name]
    if (value === undefined || !Number.isFinite(value)) {
      if (typeof verdict === 'string') faults.push(`${name} is missing: ${verdict}`)
      else if (excuse === undefined) faults.push(`${name} is ${value === undefined ? 'missing' : value}`)
    } else if (verdict !== undefined) {
      if (verdict !== null) faults.push(`${name} is ${shown(value)}: ${verdict}`)
    } else if (kind === 'result' && !reaches(value, target)) {
      faults.push(`${name} is ${shown(value)}, it must be ${describeTarget(target)}`)
    }
  }
  return faults
}

const shown = (value: number): string => {
  if (Number.isInteger(value)) return String(value)
  return Math.abs(value) < 0.01 ? value.toExponential(1) : value.toPrecision(4)
}

/** Figure, measured, target, and whether it is reached, one line each. */
export function formatFigures(suite: Suite, result: Result): string {
  const rows = suite.figures.map(({ name, target, meaning }) => {
    const value = result.figures[name]
    const verdict = value === undefined ? 'missing' : reaches(value, target) ? '' : 'missed'
    return [name, value === undefined ? '-' : shown(value), describeTarget(target), verdict, meaning]
  })
  const table = [['figure', 'measured', 'target', '', 'what it is'], ...rows]
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)))
  const lines = table.map((row) =>
    row
      .map((cell, column) => (column === 1 ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)))
      .join('  ')
      .trimEnd(),
  )
  for (const [name, reason] of Object.entries(result.missing)) lines.push(`${name} is missing: ${reason}`)
  return lines.join('\n')
}

/** Writes a result so that nobody ever reads half of it. */
export async function writeResult(file: string, result: Result): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  await writeFile(`${file}.part`, `${JSON.stringify(result, null, 2)}\n`)
  await rename(`${file}.part`, file)
}
