import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { IsthmusError } from '@isthmus/proto'
import { cacheFolder, loadCifar10WithProgress } from '../data/index.ts'
import { runInThread, trainingProgressBar } from '../train/index.ts'
import type { RecipeInput } from './recipe.ts'

const recipes: Record<string, string> = {
  teacher: 'the classifier for the edge, trained from scratch on CIFAR-10',
  local: "the device's own classifier, taught by the teacher's bundle",
  mobile: 'a better one, for a device that can spare more time',
  student: "BottleFit encoder and decoder in front of the teacher's tail, in two stages",
  slimmable: 'an encoder of two widths and any rate, with one decoder, taught by the student and the teacher',
  cifar10: 'bundle cifar10: the three networks together, nothing to train',
  filter: 'a filter "is it an animal?" in front of bundle cifar10',
  exit: "an early exit on the latent of bundle cifar10's heads",
  foundation:
    "bundle cifar10-adaptable: a teacher that withstands the weather, and bundle cifar10-mobile's network made adaptable",
  adaptable:
    'bundle cifar10-adaptable: the networks of cifar10-mobile and cifar10-slimmable put into it, made adaptable; no training',
  tasks: "slimmable decoders of two tasks on the latents of bundle cifar10's heads",
}

const usage = `npm run recipe -- NAME [--threads N] [--spin] [--work FOLDER] [--out FOLDER]

Trains one of the networks that ship with Isthmus, measures it and writes its bundle.
Interrupt it at any time: the same command goes on from the last checkpoint.

${Object.entries(recipes)
  .map(([name, what]) => `  ${name.padEnd(10)} ${what}`)
  .join('\n')}

  --threads N    threads of one operator (default 2); the result depends on it in the last digits
  --spin         let waiting threads spin: faster where nobody else uses the cores, slower elsewhere
  --work FOLDER  where checkpoints are kept (default: the cache folder)
  --out FOLDER   where the bundle goes (default: models/bundles)
`

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      threads: { type: 'string', default: '2' },
      spin: { type: 'boolean', default: false },
      work: { type: 'string' },
      out: { type: 'string', default: fileURLToPath(new URL('../../bundles', import.meta.url)) },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  const name = positionals[0]
  if (values.help || name === undefined) {
    console.log(usage)
    return values.help ? 0 : 2
  }
  if (!(name in recipes)) {
    console.error(`There is no recipe "${name}". Recipes: ${Object.keys(recipes).join(', ')}.`)
    return 2
  }
  await loadCifar10WithProgress()
  const input: RecipeInput = {
    workFolder: values.work ?? join(cacheFolder(), 'recipes', name),
    bundlesFolder: values.out,
    threads: Number(values.threads),
    spinning: values.spin,
  }
  const bar = trainingProgressBar()
  const interrupted = new AbortController()
  process.once('SIGINT', () => interrupted.abort())
  process.once('SIGTERM', () => interrupted.abort())
  try {
    const module = new URL(`./${name}.js`, import.meta.url)
    const report = await runInThread<string>(module, input, {
      onProgress: bar.report,
      signal: interrupted.signal,
    })
    bar.stop()
    console.log(report)
    return 0
  } catch (error) {
    bar.stop()
    if (!(error instanceof IsthmusError)) throw error
    console.error(`${error.code}: ${error.message}`)
    return 1
  }
}

process.exitCode = await main()
