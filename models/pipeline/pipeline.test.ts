import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { float32Tensor, GraphBuilder, writeModel } from '../onnx/index.ts'
import { openSession } from '../runtime/node.ts'
import {
  loadPipeline,
  type PipelineDraft,
  parsePipeline,
  payloadLayout,
  payloadParts,
  readPayload,
  StageModel,
} from './index.ts'
import { sealPipeline, writePipeline } from './seal.ts'

/** y = x · w, [1, from] → [1, to]. */
function product(from: number, to: number, input = 'x', output = 'y'): Uint8Array {
  const graph = new GraphBuilder('product')
  const weights = Array.from({ length: from * to }, (_, at) => Math.sin(at + from))
  const x = graph.input(input, 'float32', ['N', from])
  const y = graph.op('MatMul', [x, graph.constant(float32Tensor(weights, [from, to]))])
  graph.output(graph.op('Identity', [y]), output)
  return writeModel(graph.build())
}

const draft: PipelineDraft = {
  name: 'street',
  version: '1.0.0',
  inputs: { image: { dims: [1, 6] } },
  stages: [
    { id: 'classify', model: 'classify.onnx', inputs: { x: 'detect.out.0' } },
    { id: 'detect', model: 'parts/detect.onnx', inputs: { x: 'input.image' }, serverOnly: true },
  ],
  outputs: { logits: 'classify.y', boxes: 'detect.out.0' },
}
const files = { 'parts/detect.onnx': product(6, 4, 'x', 'out.0'), 'classify.onnx': product(4, 3) }

let root: string
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'isthmus-pipeline-'))
})
afterAll(() => rmSync(root, { recursive: true }))

const folder = () => mkdtempSync(join(root, 'p-'))
const code = (promise: Promise<unknown>) =>
  promise.then(
    () => 'fine',
    (error) => `${error.code}: ${error.message}`,
  )

describe('sealing', () => {
  it('finds out shapes, multiply-adds and hashes, and orders the stages', async () => {
    const { manifest, wiring, models, id } = await writePipeline(folder(), draft, files)
    expect(id).toBe('street@1.0.0')
    expect(manifest.stages[1]).toMatchObject({
      outputs: { 'out.0': { dtype: 'float32', dims: [1, 4] } },
      macs: 24,
    })
    expect(wiring.order).toEqual([1, 0])
    expect(wiring.tensors.map(({ reference }) => reference)).toEqual([
      'input.image',
      'classify.y',
      'detect.out.0',
    ])
    expect(models.map((model) => model?.length)).toEqual([
      files['classify.onnx'].length,
      files['parts/detect.onnx'].length,
    ])
  })

  it('gives the same key when nothing has changed, and another one for another model', async () => {
    const dir = folder()
    const { key } = await writePipeline(dir, draft, files)
    expect((await sealPipeline(dir)).key).toBe(key)
    const changed = { ...files, 'classify.onnx': product(4, 2) }
    expect((await writePipeline(dir, draft, changed)).key).not.toBe(key)
  })

  const stage = (changes: object) => ({
    ...draft,
    stages: [{ ...draft.stages[0]!, ...changes }, draft.stages[1]!],
  })
  it.each<[string, object, RegExp]>([
    [
      'a cycle',
      { ...draft, stages: [draft.stages[0], { ...draft.stages[1], inputs: { x: 'classify.y' } }] },
      /^PIPELINE_CYCLE: .*(classify → detect → classify|detect → classify → detect)/,
    ],
    ['an unknown stage', stage({ inputs: { x: 'defect.y' } }), /^PIPELINE_UNKNOWN_STAGE: .*'defect\.y'/],
    [
      'an output that the stage does not have',
      stage({ inputs: { x: 'detect.boxes' } }),
      /^PIPELINE_UNKNOWN_TENSOR: .*'boxes'/,
    ],
    [
      'an answer that nobody gives',
      { ...draft, outputs: { logits: 'classify.z' } },
      /^PIPELINE_UNKNOWN_TENSOR: .*'logits'/,
    ],
    ['an input of another shape', stage({ inputs: { x: 'input.image' } }), /^PIPELINE_MISMATCH: .*\[1, 6\]/],
    [
      'an input of another type',
      { ...draft, inputs: { image: { dims: [1, 6], dtype: 'uint8' } } },
      /^PIPELINE_MISMATCH: .*takes float32 .* fed uint8/,
    ],
    [
      'an input that the model lacks',
      stage({ inputs: { x: 'detect.out.0', z: 'input.image' } }),
      /^BAD_PIPELINE: .*'z'/,
    ],
    [
      'a stage that leads nowhere',
      { ...draft, outputs: { boxes: 'detect.out.0' } },
      /^BAD_PIPELINE: .*stages\[0\]: .*'classify'/,
    ],
    ['two stages of one name', stage({ id: 'detect' }), /^BAD_PIPELINE: stages\[1\]\.id/],
    [
      'a path that leaves the folder',
      stage({ model: '../classify.onnx' }),
      /^BAD_PIPELINE: .*stages\[0\]\.model/,
    ],
    ['an absolute path', stage({ model: '/etc/passwd' }), /^BAD_PIPELINE: .*stages\[0\]\.model/],
    ['a mistyped key', stage({ modle: 'x' }), /^BAD_PIPELINE: .*did you mean 'model'/],
    [
      'a tensor of gigabytes',
      { ...draft, inputs: { image: { dims: [60000, 60000] } } },
      /^BAD_PIPELINE: .*inputs/,
    ],
    [
      'a coded tensor that there is not',
      { ...draft, coded: ['detect.y'] },
      /^PIPELINE_UNKNOWN_TENSOR: .*coded\[0\]/,
    ],
  ])('refuses %s before anything runs on the wire', async (_, bad, reason) => {
    expect(await code(writePipeline(folder(), bad as PipelineDraft, files))).toMatch(reason)
  })
})

describe('loading', () => {
  it('refuses what is not sealed, a file that has changed, and one that is missing', async () => {
    const dir = folder()
    await writePipeline(dir, draft, files)
    const path = join(dir, 'classify.onnx')
    const bytes = readFileSync(path)
    bytes[bytes.length >> 1]! ^= 1
    writeFileSync(path, bytes)
    expect(await code(loadPipeline(dir))).toMatch(/^PIPELINE_FILE_CHANGED: .*classify\.onnx/)
    renameSync(path, `${path}.away`)
    expect(await code(loadPipeline(dir))).toMatch(/^PIPELINE_FILE_MISSING: .*classify\.onnx/)
    writeFileSync(join(dir, 'pipeline.json'), JSON.stringify(draft))
    expect(await code(loadPipeline(dir))).toMatch(/^PIPELINE_NOT_SEALED/)
    writeFileSync(join(dir, 'pipeline.json'), '{')
    expect(await code(loadPipeline(dir))).toMatch(/^BAD_PIPELINE/)
    expect(await code(loadPipeline(join(dir, 'nowhere')))).toMatch(/^PIPELINE_UNREADABLE/)
  })

  it('a device needs no model of a stage for servers only, and a server serves what it has', async () => {
    const dir = folder()
    await writePipeline(dir, draft, files)
    rmSync(join(dir, 'parts'), { recursive: true })
    const device = await loadPipeline(dir, { for: 'device' })
    expect(device.models.map((model) => model !== undefined)).toEqual([true, false])
    rmSync(join(dir, 'classify.onnx'))
    const server = await loadPipeline(dir, { for: 'server' })
    expect(server.models).toEqual([undefined, undefined])
    expect(await code(loadPipeline(dir, { for: 'device' }))).toMatch(/^PIPELINE_FILE_MISSING/)
  })

  it('a manifest whose shapes are not those of the model is found out by the first run', async () => {
    const dir = folder()
    await writePipeline(dir, draft, files)
    const path = join(dir, 'pipeline.json')
    writeFileSync(path, readFileSync(path, 'utf8').replace(/1,\s+3\s/, '1, 5 '))
    const { wiring, models } = await loadPipeline(dir)
    const model = new StageModel(await openSession(models[0]!), wiring, 0)
    expect(await code(model.run(() => new Float32Array(4)))).toMatch(
      /^PIPELINE_MISMATCH: .*\[1, 3\].*\[1, 5\]/,
    )
    await model.dispose()
  })
})

describe('the payload of several tensors', () => {
  const tensors = [
    { dtype: 'uint8', count: 3, coded: false },
    { dtype: 'float32', count: 2, coded: false },
    { dtype: 'float32', count: 3, coded: true },
    { dtype: 'int64', count: 1, coded: false },
  ] as const
  const arrays = [
    Uint8Array.of(1, 2, 3),
    Float32Array.of(0.1, -7),
    Float32Array.of(0, 1, 2),
    BigInt64Array.of(-5n),
  ]
  const packed = () => Buffer.concat(payloadParts(tensors, (at) => arrays[at]!))

  it('comes back bit for bit, wherever it lies in a packet, but for coded ones', () => {
    const { offsets, bytes } = payloadLayout(tensors)
    expect(offsets).toEqual([0, 4, 12, 24])
    expect(packed()).toHaveLength(bytes)
    for (let shift = 0; shift < 8; shift++) {
      const packet = new Uint8Array(bytes + shift)
      packet.set(packed(), shift)
      const back = readPayload(tensors, packet.subarray(shift))
      expect([back[0], back[1], back[3]]).toEqual([arrays[0], arrays[1], arrays[3]])
      for (const [at, value] of (arrays[2] as Float32Array).entries()) {
        expect(Math.abs(Number(back[2]![at]) - value)).toBeLessThanOrEqual(1 / 255)
      }
    }
  })

  it('is not copied where it is aligned', () => {
    const aligned = new Uint8Array(payloadLayout(tensors).bytes)
    aligned.set(packed())
    expect(readPayload(tensors, aligned)[1]!.buffer).toBe(aligned.buffer)
  })

  it('of another length, or with a range that is none, is refused', () => {
    expect(() => readPayload(tensors, packed().subarray(1))).toThrow('take 32 bytes, not 31')
    const nonsense = Uint8Array.from(packed())
    nonsense.set([0, 0, 0xc0, 0x7f], 12)
    expect(() => readPayload(tensors, nonsense)).toThrow(/scale/)
  })
})

it('a wiring of 32 stages in a row is put in order whatever the order of the file', () => {
  const form = { dtype: 'float32', dims: [1] } as const
  const stages = Array.from({ length: 32 }, (_, at) => ({
    id: `s${at}`,
    model: 'm.onnx',
    inputs: { x: at === 31 ? 'input.x' : `s${at + 1}.y` },
    outputs: { y: form },
    macs: 1,
  }))
  const { wiring } = parsePipeline({
    ...{ name: 'row', version: '1.0.0', inputs: { x: form }, outputs: { y: 's0.y' } },
    stages,
    files: { 'm.onnx': { sha256: '0'.repeat(64), bytes: 1 } },
  })
  expect(wiring.order).toEqual(Array.from({ length: 32 }, (_, at) => 31 - at))
})
