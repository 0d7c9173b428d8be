import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { IsthmusError } from '@isthmus/proto'
import { adaptSuite } from './adapt/suite.ts'
import { auctionSuite } from './auction/suite.ts'
import { dagSuite } from './dag/suite.ts'
import { isBusy, thisMachine } from './machine.ts'
import { policySuite } from './policy/suite.ts'
import { faultsOf, formatFigures, resultOf, writeResult } from './report.ts'
import { splitSuite } from './split/suite.ts'
import type { Suite } from './suite.ts'
import { taxSuite } from './tax/suite.ts'
import { trainSuite } from './train/suite.ts'
import { variantsSuite } from './variants/suite.ts'
import { wireSuite } from './wire/suite.ts'

const suites: readonly Suite[] = [
  wireSuite,
  trainSuite,
  splitSuite,
  variantsSuite,
  taxSuite,
  policySuite,
  dagSuite,
  auctionSuite,
  adaptSuite,
]

const fromRoot = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url))

const partsNote = suites
  .flatMap(({ name, parts }) => (parts ? [`${name}: ${parts.join(', ')}`] : []))
  .join('; ')

const usage = `npm run bench -- SUITE [--quick] [--out FILE] [--bundles FOLDER] [--threads N] [--parts A,B]

Measures one suite and prints a table, then one JSON object as the last line.

${suites.map(({ name, meaning }) => `  ${name.padEnd(8)} ${meaning}`).join('\n')}

  --quick           the same things, fewer times: within 30 s; overwrites no published result
  --out FILE        where the result goes (default: test/bench/results/SUITE.json; with --quick nowhere)
  --bundles FOLDER  bundles to measure (default: models/bundles)
  --threads N       threads of the suites that compute (default: ${defaultThreads()})
  --parts A,B       of a suite that has parts: only these (${partsNote})
  --list            names of suites and figures
  --help            this

Exit code: 0; 1 when a figure is not a number or a result (not a speed) misses its target; 2 for a wrong call.`

/** Two threads are what the targets speak of; a machine with one core has one. */
function defaultThreads(): number {
  return Math.min(2, availableParallelism())
}

function listing(): string {
  return suites
    .flatMap(({ name, figures }) => figures.map((figure) => `${name.padEnd(8)} ${figure.name}`))
    .join('\n')
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      out: { type: 'string' },
      bundles: { type: 'string', default: fromRoot('models/bundles') },
      threads: { type: 'string', default: String(defaultThreads()) },
      parts: { type: 'string' },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) return print(usage)
  if (values.list) return print(listing())
  const suite = suites.find(({ name }) => name === positionals[0])
  const threads = Number(values.threads)
  if (!suite || positionals.length > 1 || !Number.isInteger(threads) || threads < 1) {
    console.error(usage)
    return 2
  }
  const { quick, bundles } = values
  const parts = values.parts?.split(',')
  if (parts?.some((part) => !suite.parts?.includes(part))) {
    console.error(`--parts: suite ${suite.name} has ${suite.parts?.join(', ') ?? 'no parts'}.`)
    return 2
  }
  const date = new Date()
  const machine = await thisMachine()
  console.log(`${suite.name}: ${suite.meaning}`)
  console.log(`${machine.cpu}, ${machine.cores} cores, Node ${machine.node}${quick ? ', quick run' : ''}\n`)
  if (isBusy(machine)) {
    console.log(`${machine.busyCores} cores are at work for others. Do not trust the speeds below.\n`)
  }
  const say = (line: string) => console.error(line)
  const measured = await suite.measure({ quick, bundles, threads, say, ...(parts ? { parts } : {}) })
  const result = resultOf(suite, measured, { quick, date, machine })
  console.log(formatFigures(suite, result))
  const faults = faultsOf(suite, measured)
  for (const fault of faults) console.log(`FAULT: ${fault}`)
  const file = values.out ?? (quick ? undefined : fromRoot(join('test/bench/results', `${suite.name}.json`)))
  if (file !== undefined) await writeResult(file, result)
  console.log(JSON.stringify(result))
  return faults.length === 0 ? 0 : 1
}

function print(text: string): number {
  console.log(text)
  return 0
}

try {
  process.exitCode = await main()
} catch (error) {
  const wrongCall =
    error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')
  if (!wrongCall && !(error instanceof IsthmusError)) throw error
  console.error(error.message)
  process.exitCode = wrongCall ? 2 : 1
}
