import { policyError } from '../errors.ts'
import type { RateTrace } from './rate-trace.ts'

export interface ParseOptions {
  /** Name of the file, for messages. */
  readonly name?: string
  /** Longest time between two samples that is no gap, s. Default: 60. */
  readonly maxGapS?: number
}

/** `seconds Mbit/s` a line: the Norwegian 3G, FCC and Puffer sets as they are commonly given. */
export function parseSecondsMbps(text: string, options: ParseOptions = {}): RateTrace {
  return parsePairs(text, { ...options, fields: ['seconds', 'Mbit/s'], timeUnitS: 1, rateUnitBps: 1e6 })
}

/** `milliseconds kbit/s` a line: the Oboe set. */
export function parseMsKbps(text: string, options: ParseOptions = {}): RateTrace {
  return parsePairs(text, {
    ...options,
    fields: ['milliseconds', 'kbit/s'],
    timeUnitS: 1e-3,
    rateUnitBps: 1e3,
  })
}

/**
 * Mahimahi: a line is the millisecond at which one packet of 1500 bytes can pass; several may share one. The trace lasts until
 * the last line, rates are counted in bins of `binMs`.
 */
export function parseMahimahi(
  text: string,
  options: ParseOptions & { readonly binMs?: number } = {},
): RateTrace {
  const { name = 'trace', maxGapS = 60, binMs = 100 } = options
  if (!(binMs >= 1 && Number.isInteger(binMs))) throw policyError('BAD_OPTION', `${name}: binMs is ${binMs}`)
  const packets: number[] = []
  for (const { line, words } of dataLines(text)) {
    if (words.length !== 1) throw bad(name, line, 'milliseconds', `there are ${words.length} fields, not 1`)
    const ms = numberOf(name, line, 'milliseconds', words[0]!)
    if (!Number.isInteger(ms)) throw bad(name, line, 'milliseconds', `${ms} is no whole number`)
    const before = packets.at(-1) ?? 0
    if (ms < before) throw bad(name, line, 'milliseconds', `${ms} comes before ${before}`)
    if (ms - before > maxGapS * 1000)
      throw bad(name, line, 'milliseconds', gapOf((ms - before) / 1000, maxGapS))
    packets.push(ms)
  }
  const durationMs = packets.at(-1) ?? 0
  if (durationMs === 0) throw policyError('BAD_TRACE', `${name}: it holds no packet after its start`)
  const bins = Math.ceil(durationMs / binMs)
  if (bins > MAX_SAMPLES)
    throw policyError('BAD_TRACE', `${name}: it lasts ${durationMs} ms; give a larger binMs`)
  const rateBps = new Float64Array(bins)
  for (const ms of packets) {
    const bin = Math.min(bins - 1, Math.floor(ms / binMs))
    const widthMs = Math.min(binMs, durationMs - bin * binMs)
    rateBps[bin]! += (1500 * 8 * 1000) / widthMs
  }
  return {
    atS: Float64Array.from({ length: bins }, (_, bin) => (bin * binMs) / 1000),
    rateBps,
    durationS: durationMs / 1000,
  }
}

export interface CsvOptions extends ParseOptions {
  /** Column of the rate in kbit/s. Default `DL_bitrate`. The Irish set's `UL_bitrate` is what was asked for, no capacity. */
  readonly column?: string
}

/** The Irish 5G set: CSV with a header, one row a second, rate in kbit/s. Rows are taken as seconds 0, 1, 2, … */
export function parse5gCsv(text: string, options: CsvOptions = {}): RateTrace {
  const { name = 'trace', column = 'DL_bitrate' } = options
  const lines = text.split(/\r?\n/)
  const header = lines[0]!.split(',').map((cell) => cell.trim())
  const at = header.indexOf(column)
  if (at < 0)
    throw bad(name, 1, column, `the header has no such column, only ${header.slice(0, 30).join(', ')}`)
  const rates: number[] = []
  for (const [index, row] of lines.entries()) {
    if (index === 0 || row.trim() === '') continue
    const cells = row.split(',')
    if (cells.length !== header.length) {
      throw bad(name, index + 1, column, `the row has ${cells.length} cells, the header ${header.length}`)
    }
    rates.push(1e3 * rateOf(name, index + 1, column, cells[at]!))
  }
  if (rates.length === 0) throw policyError('BAD_TRACE', `${name}: it holds no sample`)
  return { atS: Float64Array.from(rates.keys()), rateBps: Float64Array.from(rates), durationS: rates.length }
}

const MAX_SAMPLES = 10_000_000

interface PairOptions extends ParseOptions {
  readonly fields: readonly [time: string, rate: string]
  readonly timeUnitS: number
  readonly rateUnitBps: number
}

/** Two numbers a line. The first time becomes 0; the last sample holds as long as the one before it. */
function parsePairs(text: string, options: PairOptions): RateTrace {
  const { name = 'trace', maxGapS = 60, fields, timeUnitS, rateUnitBps } = options
  const [timeField, rateField] = fields
  const times: number[] = []
  const rates: number[] = []
  for (const { line, words } of dataLines(text)) {
    if (words.length !== 2) throw bad(name, line, timeField, `there are ${words.length} fields, not 2`)
    const time = numberOf(name, line, timeField, words[0]!) * timeUnitS
    if (time < 0) throw bad(name, line, timeField, `${words[0]} is negative`)
    const before = times.at(-1)
    if (before !== undefined) {
      if (time <= before) throw bad(name, line, timeField, `${words[0]} does not come after the line before`)
      if (time - before > maxGapS) throw bad(name, line, timeField, gapOf(time - before, maxGapS))
    }
    times.push(time)
    rates.push(rateOf(name, line, rateField, words[1]!) * rateUnitBps)
  }
  if (times.length < 2) {
    throw policyError('BAD_TRACE', `${name}: it holds ${times.length} samples; at least 2 are needed`)
  }
  const atS = Float64Array.from(times, (time) => time - times[0]!)
  const last = atS.length - 1
  return { atS, rateBps: Float64Array.from(rates), durationS: 2 * atS[last]! - atS[last - 1]! }
}

/** Lines that hold something, with their number from 1. */
function* dataLines(text: string): Generator<{ line: number; words: string[] }> {
  for (const [index, row] of text.split(/\r?\n/).entries()) {
    const words = row.trim().split(/[\s,]+/)
    if (words[0] !== '') yield { line: index + 1, words }
  }
}

function numberOf(name: string, line: number, field: string, word: string): number {
  const value = Number(word)
  if (word.trim() === '' || !Number.isFinite(value))
    throw bad(name, line, field, `"${word.slice(0, 40)}" is no number`)
  return value
}

function rateOf(name: string, line: number, field: string, word: string): number {
  const rate = numberOf(name, line, field, word)
  if (rate < 0) throw bad(name, line, field, `${word} is negative`)
  if (rate > 1e12) throw bad(name, line, field, `${word} is beyond any link; is the unit right?`)
  return rate
}

const gapOf = (gapS: number, maxGapS: number) =>
  `a gap of ${gapS.toFixed(1)} s; up to ${maxGapS} s are allowed (maxGapS)`

function bad(name: string, line: number, field: string, what: string) {
  return policyError('BAD_TRACE', `${name}, line ${line}, ${field}: ${what}`)
}
