import { createHash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { policyError } from '../errors.ts'
import type { TraceForm } from '../gmorl/index.ts'
import {
  checkTrace,
  parse5gCsv,
  parseMahimahi,
  parseMsKbps,
  parseSecondsMbps,
  type RateTrace,
} from '../sim/index.ts'

/** Formats of recorded links, as `--trace-format` names them. */
export const traceFormats = {
  'seconds-mbps': parseSecondsMbps,
  'ms-kbps': parseMsKbps,
  mahimahi: parseMahimahi,
  '5g-csv': parse5gCsv,
} as const

export type TraceFormat = keyof typeof traceFormats

/** A recorded link and the file that it comes from. */
export interface TraceFile extends TraceForm {
  readonly trace: RateTrace
}

/**
 * Reads recorded links; of a folder, all files in it. Throws IsthmusError `BAD_TRACE` that names file, line and field.
 *
 * @param format undefined: told from the first line of each file
 */
export async function readTraces(paths: readonly string[], format?: TraceFormat): Promise<TraceFile[]> {
  const files = (await Promise.all(paths.map(filesOf))).flat()
  const traces: TraceFile[] = []
  for (const path of files) {
    const bytes = await readFile(path)
    const text = bytes.toString('utf8')
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    const parse = traceFormats[format ?? formatOf(text)]
    const trace = parse(text, { name: path })
    checkTrace(trace, path)
    traces.push({ file: basename(path), sha256, trace })
  }
  return traces
}

/** One number a line: Mahimahi. A heading: the 5G set. Two numbers: taken as seconds and Mbit/s. */
function formatOf(text: string): TraceFormat {
  const words = text
    .trimStart()
    .split(/\r?\n/, 1)[0]!
    .trim()
    .split(/[\s,]+/)
  if (words.some((word) => Number.isNaN(Number(word)))) return '5g-csv'
  return words.length === 1 ? 'mahimahi' : 'seconds-mbps'
}

async function filesOf(path: string): Promise<string[]> {
  if (!(await stat(path)).isDirectory()) return [path]
  const entries = await readdir(path, { withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
  if (files.length === 0) throw policyError('BAD_TRACE', `${path}: the folder holds no file`)
  return files.map(({ name }) => join(path, name)).sort()
}
