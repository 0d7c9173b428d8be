import { table } from './markdown-table.ts'

interface SeedMean {
  readonly mean: number
  readonly interval95?: readonly [number, number]
}

interface MethodRow {
  readonly method: string
  readonly severity: number
  readonly error: SeedMean
  readonly selected: SeedMean
  readonly byType: Readonly<Record<string, number>>
}

interface LongRow {
  readonly method: string
  readonly sequenceError: SeedMean
  readonly cleanErrorAfter: SeedMean
  readonly correlatedError: SeedMean
}

interface TailRow {
  readonly learns: 'tail' | 'both'
  readonly type: string
  readonly packedPct: number
  readonly adaptedPct: number
  readonly cleanPackedPct: number
  readonly cleanAdaptedPct: number
}

/** What docs/results.md takes from the stored result of suite `adapt`. */
export interface StoredAdapt {
  readonly detail: {
    readonly errors?: {
      readonly count: number
      readonly seeds: readonly number[]
      readonly table: readonly MethodRow[]
    }
    readonly longStreams?: { readonly rows: readonly LongRow[] }
    readonly tails?: { readonly stream: number; readonly trial: number; readonly runs: readonly TailRow[] }
  }
}

const between = ({ mean, interval95 }: SeedMean): string =>
  interval95 === undefined
    ? mean.toFixed(2)
    : `${mean.toFixed(2)} (${interval95[0].toFixed(2)} to ${interval95[1].toFixed(2)})`

/** Below the figures of suite `adapt`: all methods on the same images, by severity and type, and long streams. */
export function adaptSections({ detail: { errors, longStreams, tails } }: StoredAdapt): string[] {
  const lines: string[] = []
  if (errors !== undefined) {
    const severities = [...new Set(errors.table.map(({ severity }) => severity))]
    for (const severity of severities) {
      const rows = errors.table.filter((row) => row.severity === severity)
      lines.push(
        `Severity ${severity}: wrong answers in %, ${errors.count} images of each type, ${errors.seeds.length} seeds, everything learned is forgotten between types. "Learned from" is the share of images that a method learns from or, for CEMA, sends up:`,
        '',
        ...table(
          ['', 'mean of 15 types (95 %)', 'learned from'],
          rows.map(({ method, error, selected }) => [
            method,
            between(error),
            `${(100 * selected.mean).toFixed(1)} %`,
          ]),
        ),
        ...table(
          ['', ...rows.map(({ method }) => method)],
          Object.keys(rows[0]?.byType ?? {}).map((type) => [
            type.replaceAll('_', ' '),
            ...rows.map(({ byType }) => byType[type]!.toFixed(1)),
          ]),
        ),
      )
    }
  }
  if (longStreams !== undefined)
    lines.push(
      'All fifteen types in sequence at severity 5 without a new start, then clean images; and streams in which classes come in runs. Wrong answers in % (95 %):',
      '',
      ...table(
        ['', 'in the sequence', 'clean, after it', 'classes in runs'],
        longStreams.rows.map(({ method, sequenceError, cleanErrorAfter, correlatedError }) => [
          method,
          between(sequenceError),
          between(cleanErrorAfter),
          between(correlatedError),
        ]),
      ),
    )
  if (tails !== undefined) lines.push(...tailLines(tails))
  return lines
}

function tailLines({ stream, trial, runs }: NonNullable<StoredAdapt['detail']['tails']>): string[] {
  const meanOf = (
    type: string,
    learns: TailRow['learns'],
    key: Exclude<keyof TailRow, 'learns' | 'type'>,
  ) => {
    const values = runs.filter((run) => run.type === type && run.learns === learns).map((run) => run[key])
    return (values.reduce((sum, value) => sum + value, 0) / values.length).toFixed(1)
  }
  return [
    `The split route at severity 5: right answers in % to ${trial} images over the wire, as packed and after ${stream} frames, means over seeds. "Clean" are the same images undamaged, by what has learned the damage:`,
    '',
    ...table(
      ['', 'as packed', 'tail adapts', 'head and tail', 'clean, as packed', 'clean, tail', 'clean, both'],
      [...new Set(runs.map(({ type }) => type))].map((type) => [
        type.replaceAll('_', ' '),
        meanOf(type, 'tail', 'packedPct'),
        meanOf(type, 'tail', 'adaptedPct'),
        meanOf(type, 'both', 'adaptedPct'),
        meanOf(type, 'tail', 'cleanPackedPct'),
        meanOf(type, 'tail', 'cleanAdaptedPct'),
        meanOf(type, 'both', 'cleanAdaptedPct'),
      ]),
    ),
  ]
}
