import { createHash } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { tablesOf } from '../bottleneck/modes.ts'
import { MOST_TABLES } from '../bundle/consistency.ts'
import { cacheFolder } from '../data/cache-folder.ts'
import type { Fit } from '../data/image-files.ts'
import type { Pixels } from '../pack/normalisation.ts'
import { oneFile, oneOf, usageError, whole } from './kit/index.ts'
import { joinNegative, nameOf, readPixels } from './pack-options.ts'
import { parseShapes } from './shapes.ts'

export const bottleneckHelp = `Usage: isthmus-models bottleneck TEACHER.onnx --images DIR [options]

Splits a classifier that you have so that few bytes cross from device to server. What is needed for that comes from the
network itself, on your photos; no labels are needed. You get a bundle with several rates, and a report: how often the
answers stay the same, for how many bytes, beside JPEG, WebP and AVIF.

  --encoder own     the device keeps the network's first layers and sends their values, transformed and coded by how
                    often each comes: minutes, and nothing to train (the default)
  --encoder small   a small encoder takes the place of the first layers, and is trained with a decoder for the server:
                    for devices that cannot carry the network's own; hours

  --images DIR      photos like those to come: a few hundred. Some are kept back to measure with
  --out DIR         the bundle's folder (default: bundles/NAME); the report goes beside it, as DIR.report.html
  --name NAME       (default: the model file's)

What the network is:
  --scale HOW       what pixels are for the network: imagenet, or what black and white become, such as -1..1
                    (default: what makes its answers tell most of your photos; it is printed)
  --mean, --std     the same in numbers, of pixel / 255, as R,G,B
  --fit HOW         photos of another aspect ratio: cover (cut off what is too much, the default) or fill (stretch)
  --labels FILE     the names of the classes, one a line (default: class 0, class 1, ...)
  --background      the first output is a background class that the file leaves out
  --shape NAME=DIMS shape of an input that the model leaves open

What is made:
  --cut TENSOR      keep or replace everything up to here (default: the proposed cut of the table that is printed)
  --channels N      channels of the latent. Default: of the network's own layers an eighth, 200 at most; of a small
                    encoder an eighth as many values as the photo has, 96 channels at most
  --rates N         modes, from the finest rate to the coarsest (default 8)
  --eval N          photos that are kept back (default: a seventh, 200 at most)
  --threads N       (default: all)
  --plan            print the tables and the plan, and stop

For a small encoder:
  --minutes N       time for the training, roughly (default 60)
  --steps A,B       instead of minutes: steps of stage 1 (features) and of stage 2 (answers)
  --views N         views of each photo, the plain one and random squares of it (default 3)
  --seed N          of all that is random (default 1)
  --work DIR        where the run is kept while it lasts; the same command goes on from there (default: the cache folder)

Interrupt a training at any time (Ctrl-C); the same command goes on.

Examples:
  isthmus-models bottleneck resnet50.onnx --images ./photos --labels imagenet.txt --scale imagenet
  isthmus-models bottleneck inception-v3.onnx --images ./photos --encoder small --minutes 600 --plan

Exit code 1 when it cannot be done; the reason is one line.`

export interface BottleneckOptions {
  readonly model: string
  readonly images: string
  readonly encoder: 'own' | 'small'
  readonly out: string
  readonly name: string
  readonly pixels: Pixels | undefined
  readonly fit: Fit
  readonly labels: string | undefined
  readonly background: boolean
  readonly shapes: Record<string, number[]>
  readonly cut: string | undefined
  readonly channels: number | undefined
  readonly rates: number
  readonly minutes: number
  readonly steps: readonly [features: number, answers: number] | undefined
  readonly views: number
  readonly heldOut: number | undefined
  readonly seed: number
  readonly threads: number
  readonly work: string | undefined
  readonly planOnly: boolean
}

/** Throws BAD_USAGE for anything that is missing or not of its form. */
export function readBottleneckOptions(args: readonly string[]): BottleneckOptions {
  const text = { type: 'string' } as const
  const { values, positionals } = parseArgs({
    args: joinNegative(args),
    allowPositionals: true,
    options: {
      images: text,
      encoder: { type: 'string', default: 'own' },
      out: text,
      name: text,
      scale: text,
      mean: text,
      std: text,
      fit: { type: 'string', default: 'cover' },
      labels: text,
      background: { type: 'boolean', default: false },
      shape: { type: 'string', multiple: true, default: [] },
      cut: text,
      channels: text,
      rates: { type: 'string', default: '8' },
      minutes: { type: 'string', default: '60' },
      steps: text,
      views: { type: 'string', default: '3' },
      eval: text,
      seed: { type: 'string', default: '1' },
      threads: text,
      work: text,
      plan: { type: 'boolean', default: false },
    },
  })
  const model = oneFile(positionals, 'teacher')
  if (values.images === undefined) throw usageError('Say where your photos are: --images DIR.')
  const name = values.name ?? nameOf(model)
  if (!/^[A-Za-z0-9][\w.-]{0,63}$/.test(name)) {
    throw usageError(`--name ${name}: 1 to 64 letters, digits, _ . and -.`)
  }
  checkTables(Number(values.channels ?? 0), Number(values.rates))
  const scaled = values.scale !== undefined || values.mean !== undefined || values.std !== undefined
  return {
    model,
    images: values.images,
    encoder: oneOf('encoder', values.encoder, ['own', 'small']),
    // A slash at its end would put the report into the bundle.
    out: resolve(values.out ?? join('bundles', name)),
    name,
    pixels: scaled ? readPixels(values.scale, values.mean, values.std) : undefined,
    fit: oneOf('fit', values.fit, ['cover', 'fill']),
    labels: values.labels,
    background: values.background,
    shapes: parseShapes(values.shape),
    cut: values.cut,
    channels: values.channels === undefined ? undefined : whole('channels', values.channels, 512),
    rates: whole('rates', values.rates, 64),
    minutes: whole('minutes', values.minutes, 100_000),
    steps: values.steps === undefined ? undefined : readSteps(values.steps),
    views: whole('views', values.views, 100),
    heldOut: values.eval === undefined ? undefined : whole('eval', values.eval, 1_000_000),
    seed: whole('seed', values.seed, 2 ** 31),
    threads: values.threads === undefined ? availableParallelism() : whole('threads', values.threads, 256),
    work: values.work,
    planOnly: values.plan,
  }
}

/** Throws BAD_USAGE for more than a manifest holds. */
export function checkTables(channels: number, rates: number): void {
  const tables = tablesOf(channels) * rates
  if (tables <= MOST_TABLES) return
  throw usageError(
    `${channels} channels at ${rates} rates need ${tables} tables, and a bundle holds ${MOST_TABLES}: fewer --channels or --rates.`,
  )
}

function readSteps(text: string): [number, number] {
  const [, features, answers] = /^(\d+),(\d+)$/.exec(text) ?? []
  if (features === undefined || Number(features) < 1)
    throw usageError(`--steps ${text}: give two numbers, such as --steps 1000,500.`)
  return [Number(features), Number(answers)]
}

/** Where a run is kept when nobody says: by what was asked, so that another question gets another folder. */
export const workFolderOf = (options: BottleneckOptions, asked: string): string =>
  options.work ??
  join(
    cacheFolder(),
    'bottleneck',
    `${options.name}-${createHash('sha256').update(asked).digest('hex').slice(0, 12)}`,
  )
