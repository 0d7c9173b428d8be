import { parseArgs } from 'node:util'
import { sealPipeline } from '../pipeline/seal.ts'
import { describeForm } from '../pipeline/tensor-form.ts'
import { type Command, formatCount, oneFile } from './kit/index.ts'

const help = `Usage: isthmus-models pipeline FOLDER

Completes FOLDER/pipeline.json, which you write: runs each stage once, checks that what each gives fits what the
next one takes, and writes down shapes, multiply-adds and the hash of every model. Repeat it when a model has changed.

Example of a pipeline.json:
  {
    "name": "street", "version": "1.0.0",
    "inputs": { "image": { "dims": [1, 3, 320, 320] } },
    "stages": [
      { "id": "detect", "model": "detect.onnx", "inputs": { "images": "input.image" } },
      { "id": "classify", "model": "classify.onnx", "inputs": { "boxes": "detect.boxes" } }
    ],
    "outputs": { "labels": "classify.labels" }
  }`

export const pipelineCommand: Command = {
  name: 'pipeline',
  summary: 'check a folder of models that feed each other, and complete its pipeline.json',
  help,
  async run(args, output) {
    const { positionals } = parseArgs({ args: [...args], allowPositionals: true, options: {} })
    const { id, key, manifest, wiring } = await sealPipeline(oneFile(positionals, 'folder'))
    output.print(`${id}, key ${key.toString(16).padStart(8, '0')}`)
    for (const at of wiring.order) {
      const { id, inputs, outputs } = manifest.stages[at]!
      const gives = Object.entries(outputs).map(([name, form]) => `${name} ${describeForm(form)}`)
      const { macs, division } = wiring.stages[at]!
      const parts = division
        ? `; divisible, ${division.leastRows} to ${division.rows - division.leastRows} of ${division.rows} rows`
        : ''
      output.print(
        `  ${id}: ${Object.values(inputs).join(', ')} → ${gives.join(', ')}; ${formatCount(macs)} multiply-adds${parts}`,
      )
    }
    return 0
  },
}
