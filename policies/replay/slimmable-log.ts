import { policyError } from '../errors.ts'

/** One line of a published log, in our units. */
export interface LoggedLine {
  /** The average rate after this frame, in kB/s. */
  readonly averageKBps: number
  readonly wallMs: number
  readonly encoderMs: number
  readonly transferMs: number
  readonly decoderMs: number
  readonly deadlineMs: number
  /** What the controller chose after this frame, for the next one. */
  readonly nextMode: number
  readonly nextBytes: number
  /** Mean average precision of that mode, 0..1. */
  readonly nextAccuracy: number
}

const fields = {
  bw: 'averageKBps',
  e2e: 'wallMs',
  encoder_time: 'encoderMs',
  transfer_time: 'transferMs',
  decoder_time: 'decoderMs',
  deadline: 'deadlineMs',
  mode: 'nextMode',
  kbs: 'nextBytes',
} as const

/**
 * Reads a log of the published slimmable detector (jsiloto/adaptive-cod-on-device, `results/output_*.jsonl`): one JSON
 * object a line, empty lines ignored. Throws BAD_LOG naming the line and the field: no JSON, a missing or negative
 * number, a time or size of zero, another deadline than the first line's, no lines at all.
 */
export function parseSlimmableLog(text: string): LoggedLine[] {
  const lines: LoggedLine[] = []
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue
    const parsed = parseLine(line, index + 1)
    const first = lines[0]
    if (first && parsed.deadlineMs !== first.deadlineMs) {
      throw bad(index + 1, `has the deadline ${parsed.deadlineMs}, the first has ${first.deadlineMs}`)
    }
    lines.push(parsed)
  }
  if (lines.length === 0) throw policyError('BAD_LOG', 'The log holds no lines.')
  return lines
}

function parseLine(line: string, number: number): LoggedLine {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    throw bad(number, 'is no JSON')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw bad(number, 'is no object')
  const record = value as Record<string, unknown>
  const parsed: Record<string, number> = { nextAccuracy: positive(record, 'map', number) / 100 }
  for (const [from, to] of Object.entries(fields)) parsed[to] = positive(record, from, number)
  return parsed as unknown as LoggedLine
}

function positive(record: Record<string, unknown>, field: string, line: number): number {
  const value = record[field]
  if (typeof value === 'number' && value > 0 && Number.isFinite(value)) return value
  throw bad(line, `needs a number above 0 as "${field}", got ${JSON.stringify(value) ?? 'nothing'}`)
}

const bad = (line: number, what: string) => policyError('BAD_LOG', `Line ${line} of the log ${what}.`)
