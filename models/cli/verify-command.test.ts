import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ManifestDraft, writeBundle } from '../bundle/write.ts'
import { cut } from '../onnx/cut.ts'
import { fixtureGraphs } from '../onnx/fixtures.ts'
import { inspectModel } from '../onnx/inspect.ts'
import { readModel } from '../onnx/read.ts'
import { writeModel } from '../onnx/write.ts'
import { runCli } from './run.ts'

const model = readModel(writeModel(fixtureGraphs().find(({ name }) => name === 'towers')!.model))
const [, latent] = inspectModel(model).cuts
const { head, tail } = cut(model, latent!.tensor)
const macs = { head: inspectModel(head).macs, tail: inspectModel(tail).macs }

const draft = (changes: Partial<ManifestDraft> = {}): ManifestDraft => ({
  name: 'towers',
  version: '1.0.0',
  task: 'classification',
  labels: ['a', 'b', 'c', 'd', 'e'],
  input: { name: 'x', dims: [3, 12, 12], layout: 'NCHW', mean: [0, 0, 0], std: [1, 1, 1], fit: 'cover' },
  output: { name: 'probabilities', dims: [5], kind: 'probabilities' },
  latent: { name: latent!.tensor, dims: latent!.dims.slice(1) },
  models: {
    head: { file: 'head.onnx', macs: macs.head, params: 1 },
    tail: { file: 'tail.onnx', macs: macs.tail, params: 1 },
  },
  modes: [
    {
      id: 1,
      name: 'uint8',
      route: 'split',
      quantizer: { kind: 'affine-dynamic', bits: 8 },
      payloadBytes: latent!.uint8Bytes,
      headMacs: macs.head,
      tailMacs: macs.tail,
    },
  ],
  ...changes,
})

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'isthmus-verify-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function verify(name: string, changes: Partial<ManifestDraft> = {}) {
  const dir = join(folder, name)
  await writeBundle(dir, draft(changes), { 'head.onnx': writeModel(head), 'tail.onnx': writeModel(tail) })
  return { dir, ...(await cli('verify', dir)) }
}

async function cli(...args: string[]) {
  const lines: string[] = []
  const print = (text: string) => lines.push(text)
  const code = await runCli(args, { print, warn: print })
  return { code, text: lines.join('\n') }
}

describe('isthmus-models verify', () => {
  it('is content with a bundle whose models are what the manifest says', async () => {
    const { code, text } = await verify('good')
    expect(text).toContain('towers@1.0.0')
    expect(text).toContain('every model takes and gives what the manifest says')
    expect(code).toBe(0)
  })

  it('names a model that does not fit the manifest', async () => {
    const latentName = await verify('name', { latent: { name: 'elsewhere', dims: latent!.dims.slice(1) } })
    expect(latentName.code).toBe(1)
    expect(latentName.text).toMatch(/head.onnx \(head\) has the output "Relu_\d+".*says "elsewhere"/)
    const counted = await verify('count', {
      models: {
        head: { file: 'head.onnx', macs: macs.head + 1, params: 1 },
        tail: { file: 'tail.onnx', macs: macs.tail, params: 1 },
      },
      modes: [{ ...draft().modes[0]!, headMacs: macs.head + 1 }],
    })
    expect(counted.text).toMatch(new RegExp(`head.onnx .*does ${macs.head} multiply-adds`))
    expect(counted.code).toBe(1)
  })

  it('names a model that takes another type than float32, or is no model at all', async () => {
    const dir = join(folder, 'unusable')
    const [input] = head.graph.inputs
    const bytes = { ...head, graph: { ...head.graph, inputs: [{ ...input!, dtype: 'uint8' as const }] } }
    await writeBundle(dir, draft(), {
      'head.onnx': writeModel(bytes),
      'tail.onnx': new TextEncoder().encode('no model'),
    })
    const { code, text } = await cli('verify', dir)
    expect(code).toBe(1)
    expect(text).toMatch(/head.onnx \(head\) has the input "x" in uint8/)
    expect(text).toMatch(/tail.onnx \(tail\) cannot be used: Not an ONNX model/)
  })

  it('names a file that was changed, and a folder that is no bundle', async () => {
    const { dir } = await verify('changed')
    await writeFile(join(dir, 'tail.onnx'), writeModel(head))
    expect(await cli('verify', dir)).toMatchObject({ code: 1, text: expect.stringContaining("'tail.onnx'") })
    expect(await cli('verify', folder)).toMatchObject({
      code: 1,
      text: expect.stringContaining('manifest.json'),
    })
    expect(await cli('verify')).toMatchObject({ code: 2 })
  })
})
