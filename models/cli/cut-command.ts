import { mkdir, realpath } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import { compareCut } from '../onnx/compare.ts'
import { cut } from '../onnx/cut.ts'
import type { Model } from '../onnx/graph.ts'
import { readModelFile, writeModelFile } from '../onnx/model-files.ts'
import { seededFeeds } from '../onnx/seeded-feeds.ts'
import { openSession } from '../runtime/node.ts'
import { type Command, type Output, oneFile, usageError } from './kit/index.ts'
import { parseShapes } from './shapes.ts'

const help = `Usage: isthmus-models cut MODEL.onnx --at TENSOR [options]

Cuts a model in two: head.onnx runs on the device from the inputs to TENSOR, tail.onnx on the server from
TENSOR to the outputs. Weights that both need are in both.

  --at TENSOR       where to cut; isthmus-models inspect MODEL.onnx lists the places
  --out DIR         folder for head.onnx and tail.onnx (default: the model's name with -cut)
  --check           run the whole and both parts on the same random input, and compare every bit
  --seed N          seed of that input (default 1)
  --shape NAME=DIMS shape of an input that the model leaves open, for --check (a free batch is 1)

Examples:
  isthmus-models cut resnet50.onnx --at /layer2/layer2.3/relu_2/Relu_output_0 --check
  isthmus-models cut yolo.onnx --at /model.4/cv2/act/Mul_output_0 --out street --shape images=1x3x640x640 --check

Exit code 1 when --check finds a difference between the operators as written.`

interface Parts {
  readonly whole: string
  readonly head: string
  readonly tail: string
}

/** Bit for bit with the operators as written; and how far off with the runtime's own optimisations. */
async function check(
  parts: Parts,
  model: Model,
  shapes: Record<string, number[]>,
  seed: number,
  output: Output,
) {
  const feeds = seededFeeds(model, shapes, seed)
  const written = await compareCut(parts, feeds, openSession, { graphOptimization: 'disabled' })
  if (!written.identical) {
    output.warn(
      `Check failed: head and tail differ from the whole by up to ${written.maxAbsDifference} (seed ${seed}). ` +
        'Does the model hold a random operator? Otherwise please report it.',
    )
    return 1
  }
  output.print(`checked: head and tail equal the whole bit for bit (seed ${seed}, operators as written)`)
  const optimised = await compareCut(parts, feeds, openSession)
  output.print(
    optimised.identical
      ? 'checked: also with the optimisations of ONNX Runtime'
      : `with the optimisations of ONNX Runtime they differ by up to ${optimised.maxAbsDifference.toExponential(1)}: ` +
          'it fuses operators across this cut. A cut after the next normalisation or activation avoids that.',
  )
  return 0
}

/** Cutting `head.onnx` into its own folder would leave nothing of it. */
async function refuseOverwriting({ whole, head, tail }: Parts): Promise<void> {
  const model = await realpath(whole)
  for (const part of [head, tail]) {
    if ((await realpath(part).catch(() => undefined)) !== model) continue
    throw usageError(`${part} is the model itself: give another folder with --out.`)
  }
}

export const cutCommand: Command = {
  name: 'cut',
  summary: 'write head.onnx and tail.onnx, cut at one tensor',
  help,
  async run(args, output) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        at: { type: 'string' },
        out: { type: 'string' },
        check: { type: 'boolean', default: false },
        seed: { type: 'string', default: '1' },
        shape: { type: 'string', multiple: true, default: [] },
      },
    })
    const file = oneFile(positionals)
    const seed = Number(values.seed)
    if (!Number.isSafeInteger(seed)) throw usageError(`--seed ${values.seed} is not a whole number.`)
    if (values.at === undefined) {
      throw usageError(`Say where: --at TENSOR. isthmus-models inspect ${file} lists the places.`)
    }
    const shapes = parseShapes(values.shape)
    const model = await readModelFile(file)
    const { head, tail } = cut(model, values.at)
    const folder = values.out ?? `${basename(file, '.onnx')}-cut`
    const parts: Parts = { whole: file, head: join(folder, 'head.onnx'), tail: join(folder, 'tail.onnx') }
    await refuseOverwriting(parts)
    await mkdir(folder, { recursive: true })
    for (const written of await writeModelFile(parts.head, head)) output.print(`wrote ${written}`)
    for (const written of await writeModelFile(parts.tail, tail)) output.print(`wrote ${written}`)
    return values.check ? check(parts, model, shapes, seed, output) : 0
  },
}
