import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openSession } from '../runtime/node.ts'
import { compareCut } from './compare.ts'
import { cut } from './cut.ts'
import { inspectModel, sensibleCuts } from './inspect.ts'
import { readModelFile } from './model-files.ts'
import { readsOf } from './order.ts'
import { seededFeeds } from './seeded-feeds.ts'
import { writeModel } from './write.ts'

// A network that was not built here. The folder is no part of the repository: without it these tests are skipped.
const file = join(process.env.ISTHMUS_SHARED_DATA ?? '', 'models', 'inception-v3.onnx')

describe.skipIf(!existsSync(file))('Inception V3 (skipped without ISTHMUS_SHARED_DATA=FOLDER)', () => {
  it('is read, inspected and cut at every place', async () => {
    const model = await readModelFile(file)
    const report = inspectModel(model)
    expect(report.macs).toBe(5_713_218_144)
    expect(report.cuts).toHaveLength(30)
    expect(sensibleCuts(report.cuts).at(-2)?.dims).toEqual([1, 2048, 1, 1])
    for (const { tensor, dims } of report.cuts) {
      const { head, tail } = cut(model, tensor)
      expect(head.graph.nodes.length + tail.graph.nodes.length).toBe(model.graph.nodes.length)
      for (const { graph } of [head, tail]) {
        const known = new Set([...graph.initializers.keys(), ...graph.inputs.map((input) => input.name)])
        for (const node of graph.nodes) {
          for (const name of readsOf(node)) expect(known.has(name)).toBe(true)
          for (const name of node.outputs) known.add(name)
        }
        for (const output of graph.outputs) expect(known.has(output.name)).toBe(true)
      }
      expect(tail.graph.inputs[0]!.dims).toEqual(['N', ...dims.slice(1)])
    }
  })

  it('computes the same in two parts, bit for bit', async () => {
    const model = await readModelFile(file)
    const { cuts } = inspectModel(model)
    const feeds = seededFeeds(model)
    for (const share of [0.1, 0.5, 0.9]) {
      const { head, tail } = cut(model, cuts[Math.floor(share * cuts.length)]!.tensor)
      const models = { whole: file, head: writeModel(head), tail: writeModel(tail) }
      const exact = await compareCut(models, feeds, openSession, { graphOptimization: 'disabled' })
      expect(exact).toEqual({ identical: true, maxAbsDifference: 0 })
    }
  })
})
