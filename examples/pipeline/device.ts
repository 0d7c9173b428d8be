// The device of the example, a process of its own: runs the pipeline with its stages here and there, and then without a server.

import {
  connectPipeline,
  type DevicePipeline,
  type PipelineAnswer,
  type RunOptions,
} from '@isthmus/device-sdk'
import { alignColumns } from '../demo/table.ts'

const [folder, broker] = process.argv.slice(2)
const here = { normalise: 'device', head: 'device', tail: 'device' } as const

/** A picture of 32×32 pixels. */
const picture = (seed: number): Uint8Array =>
  Uint8Array.from({ length: 32 * 32 * 3 }, (_, at) => 128 + 120 * Math.sin(seed + at * 0.011))

const isEqual = (a: PipelineAnswer, b: PipelineAnswer): boolean => {
  const [one, other] = [a.outputs.logits!.data, b.outputs.logits!.data]
  return Buffer.compare(Buffer.from(one.buffer), Buffer.from(other.buffer)) === 0
}

function cells(what: string, answer: PipelineAnswer, equal: boolean): string[] {
  const { stages, wallMs, bytesUp, bytesDown, fallback } = answer
  return [
    what,
    ...stages.map(({ id, host, ms }) => `${id}: ${host} ${ms.toFixed(1)} ms`),
    `${wallMs.toFixed(1)} ms`,
    `${bytesUp} B up`,
    `${bytesDown} B down`,
    `equals the device alone: ${equal ? 'yes' : 'no'}`,
    fallback ?? '',
  ]
}

let unequal = 0

async function show(
  pipeline: DevicePipeline,
  ways: readonly (readonly [string, RunOptions])[],
): Promise<void> {
  const rows: string[][] = []
  for (const [index, [what, options]] of ways.entries()) {
    const pixels = picture(index)
    const alone = await pipeline.run({ pixels }, { placement: here })
    const answer = await pipeline.run({ pixels }, options)
    const equal = isEqual(alone, answer)
    if (!equal) unequal++
    rows.push(cells(what, answer, equal))
  }
  for (const line of alignColumns(rows)) console.log(line)
}

const device = {
  id: 'camera-1',
  broker: broker!,
  pipeline: folder!,
  deadlineMs: 500,
  waitForServerMs: 10_000,
}
const pipeline = await connectPipeline(device)
await show(pipeline, [
  ['as planned', {}],
  ['tail away', { placement: { ...here, tail: 'edge' } }],
  ['head and tail away', { placement: { ...here, head: 'edge', tail: 'edge' } }],
  ['head away, tail here', { placement: { ...here, head: 'edge' } }],
  ['all away', { placement: { normalise: 'edge', head: 'edge', tail: 'edge' } }],
])
console.log('The server is killed.')
const gone = new Promise((resolve) => process.once('message', resolve))
process.send?.('kill the server')
await gone
await show(pipeline, [['tail away', { placement: { ...here, tail: 'edge' } }]])
const { runs, stages } = pipeline.stats
console.log(`${runs} runs: ${stages.device} stages on the device, ${stages.edge} on the server.`)
await pipeline.close()
process.exitCode = unequal === 0 ? 0 : 1
process.disconnect?.()
