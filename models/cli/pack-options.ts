import { availableParallelism } from 'node:os'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import type { ImageCoding } from '../bundle/manifest.ts'
import type { Fit } from '../data/image-files.ts'
import { type Pixels, pixelsFromMeanStd, pixelsFromScale } from '../pack/normalisation.ts'
import { oneFile, oneOf, usageError, whole } from './kit/index.ts'
import { parseShapes } from './shapes.ts'

export const packHelp = `Usage: isthmus-models pack MODEL.onnx --at TENSOR --labels FILE --scale HOW [options]

Cuts a classifier of photos in two and packs all that a device and a server need into a bundle: the parts, how a
photo is prepared, the quantiser of what crosses, and a table of modes, tried on your photos.

What the network is:
  --at TENSOR       where to cut; isthmus-models inspect MODEL.onnx lists the places
  --labels FILE     the names of the classes, one a line, in the order of the output
  --background      the first output is a background class that the file leaves out
  --scale HOW       what pixels are for the network: imagenet (torchvision's mean and deviation), or what black
                    and white become, such as -1..1, 0..1 or 0..255
  --mean, --std     the same in numbers, of pixel / 255, as R,G,B: --mean 0.5,0.5,0.5 --std 0.25,0.25,0.25
  --fit HOW         photos of another aspect ratio: cover (cut off what is too much, the default) or fill (stretch)
  --output KIND     logits or probabilities (default: probabilities when the network ends in Softmax)
  --shape NAME=DIMS shape of an input that the model leaves open, such as input=1x3x224x224 (a free batch is 1)

What the bundle offers:
  --bits LIST       bits of each value that crosses, a mode for each, 1 to 8 or 16 (default 8,4)
  --coding HOW      entropy: values that come often at the cut take fewer bits, as counted on your photos (the
                    default; needs --photos or --labelled), or none: all take the same
  --local FILE      a small classifier with the same input and labels that the device runs when no answer comes from
                    the server (default: the whole network)
  --edge CODING     how a whole photo is sent: jpeg:90 (the default), webp:80, png, raw, or none
  --name NAME       (default: the model file's)
  --version V       (default 1.0.0)
  --out DIR         the bundle's folder (default: bundles/NAME)

What is tried:
  --photos DIR      photos like those to come: the quantiser's range is fitted to them, and each mode's answers are
                    compared with the whole network's. Without: the range travels with every frame
  --labelled DIR    photos whose class is known, for the accuracy of each mode: one folder per label, or files whose
                    names start with it (or with the class's number, from 0)
  --limit N         use at most N photos of each folder, evenly spread (default 100)
  --clip PERCENT    share of the values that the range leaves out at each end (default: the one with the least
                    squared error)
  --threads N       threads of one network (default: all)

Examples:
  isthmus-models pack resnet50.onnx --at /layer2/layer2.3/relu_2/Relu_output_0 --labels imagenet.txt --scale imagenet --photos ./photos
  isthmus-models pack mobilenet.onnx --at t42 --labels classes.txt --scale -1..1 --background --bits 8 --local tiny.onnx --labelled ./test

Exit code 1 when it cannot be packed; the reason is one line.`

const codings = ['entropy', 'none'] as const
export type Coding = (typeof codings)[number]

/** What was asked of `isthmus-models pack`, checked as far as it can be without a look at the files. */
export interface PackOptions {
  readonly model: string
  readonly at: string
  readonly labels: string
  readonly background: boolean
  readonly pixels: Pixels
  readonly fit: Fit
  readonly kind: 'logits' | 'probabilities' | undefined
  readonly shapes: Record<string, number[]>
  readonly bits: readonly number[]
  readonly coding: Coding
  readonly local: string | undefined
  readonly image: ImageCoding | undefined
  readonly name: string
  readonly version: string
  readonly out: string
  readonly photos: string | undefined
  readonly labelled: string | undefined
  readonly limit: number
  readonly clipPercent: number | undefined
  readonly threads: number
}

const needed = <T>(value: T | undefined, otherwise: string): T => {
  if (value === undefined) throw usageError(otherwise)
  return value
}

function readBits(text: string): number[] {
  const bits = text.split(',').map((part) => (/^\s*\d+\s*$/.test(part) ? Number(part) : 0))
  if (bits.some((each) => (each < 1 || each > 8) && each !== 16)) {
    throw usageError(`--bits ${text}: give 1 to 8, or 16, such as --bits 8,4.`)
  }
  return [...new Set(bits)].sort((a, b) => b - a)
}

export function readPixels(
  scale: string | undefined,
  mean: string | undefined,
  std: string | undefined,
): Pixels {
  const either = 'Give --scale (imagenet, -1..1, 0..1, 0..255), or --mean and --std.'
  if (scale !== undefined) {
    if (mean !== undefined || std !== undefined)
      throw usageError(`Not both --scale and --mean, --std. ${either}`)
    const choices = 'imagenet, or what black and white become: -1..1, 0..1, 0..255'
    return needed(pixelsFromScale(scale), `--scale ${scale}: give ${choices}.`)
  }
  if (mean === undefined || std === undefined) {
    throw usageError(
      `Say how pixels are scaled for this network; a wrong guess spoils every answer. ${either}`,
    )
  }
  const form = 'three numbers, R,G,B, of pixel / 255 (the deviation above 0), such as 0.5,0.5,0.5'
  return needed(pixelsFromMeanStd(mean, std), `--mean ${mean} --std ${std}: each is ${form}.`)
}

function readImage(text: string): ImageCoding | undefined {
  if (text === 'none') return undefined
  const [, codec, quality] = /^(jpeg|webp|png|raw)(?::(\d+))?$/.exec(text) ?? []
  const lossless = codec === 'png' || codec === 'raw'
  const value = Number(quality ?? 90)
  if (!codec || (lossless && quality !== undefined) || value < 1 || value > 100) {
    throw usageError(`--edge ${text}: give jpeg:90, webp:80, png, raw or none; qualities are 1 to 100.`)
  }
  return { codec: codec as ImageCoding['codec'], ...(lossless ? {} : { quality: value }) }
}

/** A name that a manifest takes, from that of a file. */
export const nameOf = (file: string): string =>
  basename(file)
    .replace(/\.onnx$/i, '')
    .replace(/[^\w.-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, 64) || 'network'

/** `--scale -1..1` looks like another option to the parser; joined it does not. */
export function joinNegative(args: readonly string[]): string[] {
  const joined: string[] = []
  for (const arg of args) {
    const before = joined.at(-1)
    if (before !== undefined && /^--(scale|mean)$/.test(before) && /^-[\d.]/.test(arg))
      joined[joined.length - 1] += `=${arg}`
    else joined.push(arg)
  }
  return joined
}

/** Throws BAD_USAGE for anything that is missing or not of its form. */
export function readPackOptions(args: readonly string[]): PackOptions {
  const text = { type: 'string' } as const
  const { values, positionals } = parseArgs({
    args: joinNegative(args),
    allowPositionals: true,
    options: {
      at: text,
      labels: text,
      background: { type: 'boolean', default: false },
      scale: text,
      mean: text,
      std: text,
      fit: { type: 'string', default: 'cover' },
      output: text,
      shape: { type: 'string', multiple: true, default: [] },
      bits: { type: 'string', default: '8,4' },
      coding: { type: 'string', default: 'entropy' },
      local: text,
      edge: { type: 'string', default: 'jpeg:90' },
      name: text,
      version: { type: 'string', default: '1.0.0' },
      out: text,
      photos: text,
      labelled: text,
      limit: { type: 'string', default: '100' },
      clip: text,
      threads: text,
    },
  })
  const model = oneFile(positionals)
  const name = values.name ?? nameOf(model)
  if (!/^[A-Za-z0-9][\w.-]{0,63}$/.test(name)) {
    throw usageError(`--name ${name}: 1 to 64 letters, digits, _ . and -.`)
  }
  if (!/^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[\w.-]+)?(\+[\w.-]+)?$/.test(values.version)) {
    throw usageError(`--version ${values.version}: give a semantic version, such as 1.0.0.`)
  }
  const clipPercent = values.clip === undefined ? undefined : Number(values.clip || Number.NaN)
  if (clipPercent !== undefined && !(clipPercent >= 0 && clipPercent < 50)) {
    throw usageError(`--clip ${values.clip}: give percent, from 0 to below 50.`)
  }
  const at = needed(
    values.at,
    `Say where to cut: --at TENSOR. isthmus-models inspect ${model} lists the places.`,
  )
  const labels = needed(
    values.labels,
    'Name the classes: --labels FILE, one a line, in the order of the output.',
  )
  return {
    model,
    at,
    labels,
    background: values.background,
    pixels: readPixels(values.scale, values.mean, values.std),
    fit: oneOf('fit', values.fit, ['cover', 'fill']),
    kind:
      values.output === undefined ? undefined : oneOf('output', values.output, ['logits', 'probabilities']),
    shapes: parseShapes(values.shape),
    bits: readBits(values.bits),
    coding: oneOf('coding', values.coding, codings),
    local: values.local,
    image: readImage(values.edge),
    name,
    version: values.version,
    out: values.out ?? join('bundles', name),
    photos: values.photos,
    labelled: values.labelled,
    limit: whole('limit', values.limit, 1_000_000),
    clipPercent,
    threads: values.threads === undefined ? availableParallelism() : whole('threads', values.threads, 256),
  }
}
