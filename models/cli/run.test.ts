import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fixtureGraphs } from '../onnx/fixtures.ts'
import { type CutCost, inspectModel } from '../onnx/inspect.ts'
import { readModel } from '../onnx/read.ts'
import { writeModel } from '../onnx/write.ts'
import { naiveCutWarning } from './inspect-command.ts'
import { estimateJpeg, photoBytes } from './photo-bytes.ts'
import { runCli } from './run.ts'

let folder: string
let model: string
const fixture = (name: string) => fixtureGraphs().find((entry) => entry.name === name)!.model

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'isthmus-cli-'))
  model = join(folder, 'towers.onnx')
  await writeFile(model, writeModel(fixture('towers')))
})
afterAll(() => rm(folder, { recursive: true }))

async function cli(...args: string[]) {
  const printed: string[] = []
  const warned: string[] = []
  const code = await runCli(args, { print: (text) => printed.push(text), warn: (text) => warned.push(text) })
  return { code, out: printed.join('\n'), err: warned.join('\n') }
}

describe('isthmus-models inspect', () => {
  it('shows operators, counts, and the cuts beside the photo', async () => {
    const { code, out } = await cli('inspect', model)
    expect(code).toBe(0)
    expect(out).toContain('operators: Conv 6, Relu 6')
    expect(out).toMatch(/JPEG 75 \d+ B/)
    expect(out).toMatch(/Relu_\d+ +Relu +1×6×6×6/)
    const all = await cli('inspect', model, '--all')
    expect(all.out.split('\n').length).toBeGreaterThan(out.split('\n').length)
  })

  it('gives the same figures as JSON', async () => {
    const report = JSON.parse((await cli('inspect', model, '--json')).out)
    const { cuts, macs, parameters } = inspectModel(readModel(await readFile(model)))
    expect(report).toMatchObject({
      cuts,
      macs,
      parameters,
      photo: { width: 12, height: 12, estimated: true },
    })
  })

  it('measures JPEG on the photo that is given', async () => {
    const photo = join(folder, 'grey.png')
    await writeFile(
      photo,
      await sharp({ create: { width: 50, height: 40, channels: 3, background: 'grey' } })
        .png()
        .toBuffer(),
    )
    const { photo: measured } = JSON.parse((await cli('inspect', model, '--json', '--image', photo)).out)
    expect(measured).toMatchObject({ estimated: false, photos: [photo] })
    const encoded = await sharp({ create: { width: 12, height: 12, channels: 3, background: 'grey' } })
      .jpeg({ quality: 75 })
      .toBuffer()
    expect(measured.jpeg75).toBe(encoded.length)
  })

  it('asks for the shape that a model leaves open', async () => {
    const open = fixture('towers')
    const inputs = [{ name: 'x', dtype: 'float32', dims: ['N', 3, 'H', 'W'] }] as const
    const path = join(folder, 'open.onnx')
    await writeFile(path, writeModel({ ...open, graph: { ...open.graph, inputs } }))
    expect(await cli('inspect', path)).toMatchObject({
      code: 1,
      err: expect.stringContaining('Give the shape of input "x"'),
    })
    expect(await cli('inspect', path, '--shape', 'x=1x3x12x12')).toMatchObject({ code: 0 })
    expect(await cli('inspect', path, '--shape', 'x:12')).toMatchObject({ code: 2 })
  })
})

describe('the warning about naive cuts', () => {
  const photo = { width: 10, height: 10, rgb: 300, jpeg75: 100, jpeg95: 150, photos: [] }
  const cut = (uint8Bytes: number, headShare: number): CutCost => ({
    tensor: `at ${headShare}`,
    op: 'Relu',
    dtype: 'float32',
    dims: [],
    headMacs: 0,
    headShare,
    rawBytes: 4 * uint8Bytes,
    uint8Bytes,
  })

  it('is given unless a cut in the first half sends less than the photo', () => {
    expect(naiveCutWarning([cut(99, 0.5)], photo)).toBeUndefined()
    expect(naiveCutWarning([cut(100, 0.1), cut(99, 0.8)], photo)).toMatch(
      /only from "at 0.8" on, after 80.0 %/,
    )
    expect(naiveCutWarning([cut(100, 0.1), cut(101, 1)], photo)).toMatch(/every cut sends more/)
  })

  it('rests on an estimate that falls with the size of the photo', async () => {
    const bits = async (side: number) =>
      ((await photoBytes({ width: side, height: side }, [])).jpeg75 * 8) / side ** 2
    expect(await bits(32)).toBeCloseTo(4.76, 1)
    expect(await bits(224)).toBeCloseTo(1.68, 1)
    expect(await bits(180)).toBeGreaterThan(await bits(224))
    expect(await bits(2000)).toBeCloseTo(1.59, 1)
    expect(await bits(8)).toBeCloseTo(4.76, 0)
  })
})

describe('the estimate of a JPEG', () => {
  it('is the measured one at qualities 75 and 95, and grows with the quality', async () => {
    const { jpeg75, jpeg95 } = await photoBytes({ width: 224, height: 224 }, [])
    expect(estimateJpeg(224, 224, 75)).toBe(jpeg75)
    expect(estimateJpeg(224, 224, 95)).toBe(jpeg95)
    const sizes = [1, 30, 49, 50, 75, 90, 99, 100].map((quality) => estimateJpeg(224, 224, quality))
    expect(sizes).toEqual([...sizes].sort((a, b) => a - b))
    // Measured on every seventh of 700 photographs.
    expect(estimateJpeg(224, 224, 85) / 14049).toBeCloseTo(1, 1)
    expect(estimateJpeg(32, 32, 90) / 808).toBeCloseTo(1, 1)
  })
})

describe('isthmus-models cut', () => {
  it('writes head and tail and compares them with the whole', async () => {
    const { cuts } = inspectModel(fixture('towers'))
    const out = join(folder, 'parts')
    const result = await cli('cut', model, '--at', cuts[1]!.tensor, '--out', out, '--check')
    expect(result).toMatchObject({ code: 0, err: '' })
    expect(result.out).toContain('equal the whole bit for bit')
    for (const part of ['head.onnx', 'tail.onnx'])
      expect((await stat(join(out, part))).size).toBeGreaterThan(100)
  })

  it('does not write a part over the model', async () => {
    const { cuts } = inspectModel(fixture('towers'))
    const own = join(folder, 'tail.onnx')
    await writeFile(own, await readFile(model))
    const result = await cli('cut', own, '--at', cuts[1]!.tensor, '--out', folder)
    expect(result).toMatchObject({
      code: 2,
      err: expect.stringMatching(/tail.onnx is the model itself: .*--out/),
    })
    expect((await readFile(own)).equals(await readFile(model))).toBe(true)
  })

  it('says in one line what is wrong', async () => {
    const unknown = await cli('cut', model, '--at', 'Relu_999')
    expect(unknown.code).toBe(1)
    expect(unknown.err).toMatch(/^isthmus-models: Cannot cut at "Relu_999": .*Similar places: "Relu_/)
    expect(unknown.err).not.toContain('\n')
    expect(await cli('cut', model)).toMatchObject({ code: 2, err: expect.stringContaining('--at TENSOR') })
    expect(await cli('cut', model, '--at', 'x', '--seed', 'one')).toMatchObject({ code: 2 })
    expect(await cli('cut', join(folder, 'none.onnx'), '--at', 'x')).toMatchObject({ code: 1 })
  })
})

describe('isthmus-models', () => {
  it('teaches with examples', async () => {
    expect(await cli('--help')).toMatchObject({
      code: 0,
      out: expect.stringContaining('isthmus-models inspect net.onnx'),
    })
    expect(await cli('cut', '--help')).toMatchObject({ code: 0, out: expect.stringContaining('Examples:') })
    expect(await cli()).toMatchObject({ code: 2 })
  })

  it('refuses unknown commands and options with a pointer', async () => {
    expect(await cli('split')).toMatchObject({ code: 2, err: expect.stringContaining('inspect, cut') })
    expect(await cli('inspect', model, '--every')).toMatchObject({
      code: 2,
      err: expect.stringContaining('inspect --help'),
    })
    expect(await cli('inspect', model, model)).toMatchObject({ code: 2 })
  })

  it('runs as a program with exit codes', async () => {
    const main = fileURLToPath(new URL('./main.js', import.meta.url))
    const run = promisify(execFile)
    expect((await run(process.execPath, [main, '--help'])).stdout).toContain('isthmus-models COMMAND --help')
    await expect(run(process.execPath, [main, 'inspect', '/nowhere.onnx'])).rejects.toMatchObject({ code: 1 })
  })
})
