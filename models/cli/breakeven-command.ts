import { parseArgs } from 'node:util'
import type { Bundle } from '../bundle/bundle.ts'
import { loadBundle } from '../bundle/load.ts'
import { winnerMap } from '../cost/break-even.ts'
import { comparePair, type PartTimes, type Way, waysOf } from '../cost/ways.ts'
import { type Command, formatTable, oneFile, usageError } from './kit/index.ts'
import { measureParts } from './part-times.ts'

const help = `Usage: isthmus-models breakeven BUNDLE [options]

Says from which rate of the uplink on it pays to send. Each way to an answer takes a fixed time (the networks on
both sides, the round trip) and 8 x bytes / rate, so any two ways are equally fast at one rate at most: above it the
one that sends more is faster, below it the other. Times are measured here, on one thread, unless they are given:
measure on the device and give the server's, or the other way round.

  --local-ms N  the device's own network     --head-ms N   the head, on the device
  --tail-ms N   the tail, on the server      --full-ms N   the whole network, on the server
  --image-ms N  coding and decoding the image of an edge mode (default 0: not measured)
  --rtt-ms N    round trip of an empty message (default 10)
  --runs N      runs of each network that is measured (default 20)
  --json        the same as JSON, rates in bit/s

Examples:
  isthmus-models breakeven ./bundles/street
  isthmus-models breakeven ./bundles/street --rtt-ms 40 --tail-ms 3 --full-ms 4

The fastest way is not the most accurate one: a device takes the best that is in time for its deadline.`

const timeOptions = ['local-ms', 'head-ms', 'tail-ms', 'full-ms', 'image-ms', 'rtt-ms'] as const

function number(values: Record<string, unknown>, name: string): number | undefined {
  const text = values[name]
  if (text === undefined) return undefined
  const value = Number(text)
  if (String(text).trim() !== '' && value >= 0 && Number.isFinite(value)) return value
  throw usageError(`--${name} ${text} is not a number of at least 0.`)
}

/** 1234567 as "1.23 Mbit/s". */
function formatRate(bps: number): string {
  const units = ['bit/s', 'kbit/s', 'Mbit/s', 'Gbit/s', 'Tbit/s']
  const step = bps < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bps) / 3))
  return `${Number((bps / 1000 ** step).toPrecision(3))} ${units[step]}`
}

function report({ id }: Bundle, ways: readonly Way[], rttMs: number, given: readonly string[]): string {
  const source =
    given.length === 0
      ? 'Everything was timed on this machine, as if device and server were both like it.'
      : `Given: ${given.join(', ')}; the rest was timed on this machine.`
  const label = ({ name, mode }: Way) => `${name} (${mode})`
  const waysTable = formatTable(
    ['way (mode)', 'route', ' accuracy', ' bytes', ' fixed ms'],
    ways.map((way) => [
      label(way),
      way.route,
      way.accuracy === undefined ? 'unknown' : way.accuracy.toFixed(4),
      String(way.line.bytes),
      way.line.fixedMs.toFixed(2),
    ]),
  )
  const pairs = ways.flatMap((a, index) => ways.slice(index + 1).map((b) => ({ a, b, ...comparePair(a, b) })))
  const pairsTable = formatTable(
    ['of', 'and', 'faster', ' from'],
    pairs.map(({ a, b, slowLink, fastLink, breakEvenBps }) => [
      label(a),
      label(b),
      label(fastLink ?? slowLink),
      breakEvenBps === undefined ? 'any rate' : formatRate(breakEvenBps),
    ]),
  )
  const winners = winnerMap(ways.map(({ line }) => line)).map(
    ({ index, fromBps }) =>
      `  ${label(ways[index]!)} from ${fromBps === 0 ? 'the slowest link on' : formatRate(fromBps)}`,
  )
  return [
    `${id}, round trip ${rttMs} ms. ${source}`,
    waysTable,
    ...(pairs.length > 0 ? [pairsTable] : []),
    `Fastest of all:\n${winners.join('\n')}`,
  ].join('\n\n')
}

function json({ id }: Bundle, ways: readonly Way[], times: PartTimes): string {
  const pairs = ways.flatMap((a, index) =>
    ways.slice(index + 1).map((b) => {
      const { slowLink, fastLink, breakEvenBps } = comparePair(a, b)
      const always = { modes: [a.mode, b.mode], below: slowLink.mode }
      return fastLink ? { ...always, above: fastLink.mode, breakEvenBps } : always
    }),
  )
  const winners = winnerMap(ways.map(({ line }) => line)).map(({ index, fromBps }) => ({
    mode: ways[index]!.mode,
    fromBps,
  }))
  const rows = ways.map(({ line, ...way }) => ({ ...way, ...line }))
  return JSON.stringify({ bundle: id, times, ways: rows, pairs, winners }, undefined, 2)
}

export const breakevenCommand: Command = {
  name: 'breakeven',
  summary: 'from which rate on sending pays, mode by mode',
  help,
  async run(args, output) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        ...Object.fromEntries(timeOptions.map((name) => [name, { type: 'string' as const }])),
        runs: { type: 'string', default: '20' },
        json: { type: 'boolean', default: false },
      },
    })
    const folder = oneFile(positionals, 'bundle')
    const ms = (name: (typeof timeOptions)[number]) => number(values, name)
    const given = Object.fromEntries(
      (['local', 'head', 'tail', 'full'] as const).flatMap((part) => {
        const value = ms(`${part}-ms`)
        return value === undefined ? [] : [[part, value]]
      }),
    )
    const runs = number(values, 'runs')!
    if (!Number.isSafeInteger(runs) || runs < 1)
      throw usageError(`--runs ${runs} is not a whole number above 0.`)
    const rttMs = ms('rtt-ms') ?? 10
    const imageMs = ms('image-ms') ?? 0
    const bundle = await loadBundle(folder)
    const measured = await measureParts(bundle, given, runs, output)
    const times = { ...measured, imageMs, rttMs }
    const ways = waysOf(bundle.manifest, times)
    output.print(values.json ? json(bundle, ways, times) : report(bundle, ways, rttMs, Object.keys(given)))
    return 0
  },
}
