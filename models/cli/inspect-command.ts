import { parseArgs } from 'node:util'
import { type CutCost, inspectModel, type ModelReport, sensibleCuts } from '../onnx/inspect.ts'
import { readModelFile } from '../onnx/model-files.ts'
import {
  type Command,
  formatBytes,
  formatCount,
  formatRatio,
  formatShare,
  formatTable,
  oneFile,
} from './kit/index.ts'
import { imageSize, type PhotoBytes, photoBytes } from './photo-bytes.ts'
import { parseShapes } from './shapes.ts'

const help = `Usage: isthmus-models inspect MODEL.onnx [options]

Shows what is in a model, where one tensor carries everything from its inputs to its outputs, and what
sending that tensor would cost, beside the input itself sent as JPEG.

  --all             every place to cut; otherwise only those that send less than all before them
  --image FILE      measure JPEG on this photo (repeat for more); otherwise its size is estimated
  --shape NAME=DIMS shape of an input that the model leaves open, such as input=1x3x224x224
                    (a free batch is 1)
  --json            the whole report as one JSON object

Examples:
  isthmus-models inspect resnet50.onnx
  isthmus-models inspect resnet50.onnx --image street.jpg --image park.jpg
  isthmus-models inspect yolo.onnx --shape images=1x3x640x640 --all
  isthmus-models inspect resnet50.onnx --json | jq '.cuts[].tensor'

Then cut it, or make a bundle of it that device and server run:
  isthmus-models cut resnet50.onnx --at TENSOR --check
  isthmus-models pack resnet50.onnx --at TENSOR --labels labels.txt --scale imagenet --photos ./photos`

function describeModel(file: string, report: ModelReport): string {
  const shape = (dims: readonly unknown[] | undefined) =>
    dims ? dims.map((dim) => dim ?? '?').join('×') : '?'
  return [
    `${file}: ONNX operator set ${report.opset}${report.producer ? `, made by ${report.producer}` : ''}`,
    ...report.inputs.map(({ name, dtype, dims }) => `  input   ${name}  ${dtype} ${shape(dims)}`),
    ...report.outputs.map(({ name, dtype, dims }) => `  output  ${name}  ${dtype} ${shape(dims)}`),
    `  ${formatCount(report.parameters)} parameters, ${formatCount(report.macs)} multiply-adds`,
    `  operators: ${report.operators.map(({ op, count }) => `${op} ${count}`).join(', ')}`,
  ].join('\n')
}

function describePhoto(photo: PhotoBytes): string {
  const source =
    photo.photos.length > 0
      ? `measured on ${photo.photos.join(', ')}`
      : 'estimated from ImageNet photographs; --image FILE measures yours'
  return [
    `The input itself, ${photo.width}×${photo.height} (JPEG ${source}):`,
    `  JPEG 75 ${formatBytes(photo.jpeg75)}   JPEG 95 ${formatBytes(photo.jpeg95)}   raw RGB ${formatBytes(photo.rgb)}`,
  ].join('\n')
}

function describeCuts(shown: readonly CutCost[], total: number, photo: PhotoBytes | undefined): string {
  if (total === 0)
    return 'No single tensor carries everything from the inputs to the outputs: it cannot be cut.'
  const few =
    shown.length < total
      ? ` (${shown.length} of ${total}, each smaller than all before; --all shows the rest)`
      : ''
  const headings = ['tensor', 'made by', 'shape', ' head', ' share', ' as is', ' uint8', ' uint8 / JPEG 75']
  const rows = shown.map((cut) => [
    cut.tensor,
    cut.op,
    cut.dims.join('×'),
    formatCount(cut.headMacs),
    formatShare(cut.headShare),
    formatBytes(cut.rawBytes),
    formatBytes(cut.uint8Bytes),
    photo ? formatRatio(cut.uint8Bytes, photo.jpeg75) : '',
  ])
  const columns = photo ? headings.length : headings.length - 1
  const table = formatTable(
    headings.slice(0, columns),
    rows.map((row) => row.slice(0, columns)),
  )
  return `Places to cut${few}; head: its multiply-adds:\n${table.replace(/^/gm, '  ')}`
}

/** Says plainly when cutting loses to sending the photo, which it usually does. */
export function naiveCutWarning(cuts: readonly CutCost[], photo: PhotoBytes): string | undefined {
  const winner = cuts.find((cut) => cut.uint8Bytes < photo.jpeg75)
  if (winner && winner.headShare <= 0.5) return undefined
  const bottleneck = 'A bottleneck must be trained to make a split pay.'
  if (!winner) {
    return `A naive cut loses to JPEG: every cut sends more than the photo at quality 75. ${bottleneck}`
  }
  return (
    `A naive cut loses to JPEG: only from "${winner.tensor}" on, after ${formatShare(winner.headShare)} of the ` +
    `multiply-adds, does a cut send less than the photo at quality 75. ${bottleneck}`
  )
}

export const inspectCommand: Command = {
  name: 'inspect',
  summary: 'what is in a model, where it can be cut, and what a cut would cost',
  help,
  async run(args, output) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        all: { type: 'boolean', default: false },
        image: { type: 'string', multiple: true, default: [] },
        shape: { type: 'string', multiple: true, default: [] },
        json: { type: 'boolean', default: false },
      },
    })
    const file = oneFile(positionals)
    const report = inspectModel(await readModelFile(file), parseShapes(values.shape))
    const size = imageSize(report)
    const photo = size && (await photoBytes(size, values.image))
    const warning = photo && naiveCutWarning(sensibleCuts(report.cuts), photo)
    if (values.json) {
      const estimated = photo?.photos.length === 0
      const input = photo && { ...photo, estimated }
      output.print(
        JSON.stringify({ file, ...report, photo: input ?? null, warning: warning ?? null }, null, 2),
      )
      return 0
    }
    if (!size && values.image.length > 0)
      output.warn('The model has no single image input: --image is not used.')
    const shown = values.all ? report.cuts : sensibleCuts(report.cuts)
    const parts = [describeModel(file, report), describeCuts(shown, report.cuts.length, photo)]
    if (photo) parts.splice(1, 0, describePhoto(photo))
    output.print(parts.join('\n\n'))
    for (const note of [...report.notes, warning]) if (note) output.warn(`\nNote: ${note}`)
    return 0
  },
}
