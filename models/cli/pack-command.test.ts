import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadBundle } from '../bundle/load.ts'
import { seededRandom } from '../data/random.ts'
import { GraphBuilder } from '../onnx/builder.ts'
import { fixtureGraphs } from '../onnx/fixtures.ts'
import type { Model } from '../onnx/graph.ts'
import { inspectModel } from '../onnx/inspect.ts'
import { writeModelFile } from '../onnx/model-files.ts'
import { float32Tensor } from '../onnx/tensor.ts'
import { runCli } from './run.ts'

const fixture = (name: string): Model => fixtureGraphs().find((entry) => entry.name === name)!.model
const labels = ['red', 'green', 'blue', 'white', 'black']
const tints = [
  [1, 0, 0],
  [0, 1, 0],
  [0, 0, 1],
  [1, 1, 1],
  [0, 0, 0],
]
const photoCount = 10

let folder: string
const at = (...names: string[]) => join(folder, ...names)

/** Tells the five colours apart: by how much of each channel there is, and how much is missing. */
function colours(): Model {
  const g = new GraphBuilder('colours')
  const has = [0, 1, 2].flatMap((channel) => [0, 1, 2].map((other) => (channel === other ? 1 : 0)))
  const kernel = g.constant(float32Tensor([...has, ...has.map((one) => (one ? -1 : 0))], [6, 3, 1, 1]))
  const parts = g.op('Relu', [g.op('Conv', [g.input('x', 'float32', ['N', 3, 12, 12]), kernel])], {}, 'parts')
  const pooled = g.op('Flatten', [g.op('GlobalAveragePool', [parts])], { axis: 1 })
  const rows = tints.map((tint) => [...tint, ...tint.map((part) => 1 - part)])
  g.output(g.op('Gemm', [pooled, g.constant(float32Tensor(rows.flat(), [5, 6]))], { transB: 1 }), 'logits')
  return g.build()
}

/** A noisy photo in the tint of class `seed` modulo 5. */
async function writePhoto(path: string, seed: number): Promise<void> {
  const random = seededRandom(seed)
  const [width, height] = [13 + random.below(20), 13 + random.below(20)]
  const tint = tints[seed % 5]!
  const length = width * height * 3
  const pixels = Uint8Array.from({ length }, (_, i) => 110 * tint[i % 3]! + random.below(146))
  await sharp(pixels, { raw: { width, height, channels: 3 } })
    .png()
    .toFile(path)
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'isthmus-pack-'))
  for (const name of ['towers', 'computed-shape', 'channels-last', 'residual', 'two-heads']) {
    await writeModelFile(at(`${name}.onnx`), fixture(name))
  }
  await writeModelFile(at('colours.onnx'), colours())
  await writeFile(at('labels.txt'), `${labels.join('\n')}\n`)
  await mkdir(at('photos'))
  for (let i = 0; i < photoCount; i++) await writePhoto(at('photos', `${i}.png`), i)
  await mkdir(at('named'))
  await writePhoto(at('named', 'mauve.png'), 0)
})
afterAll(() => rm(folder, { recursive: true }))

/** A place of a fixture to cut. */
const place = (name: string): string =>
  name === 'colours' ? 'parts' : inspectModel(fixture(name)).cuts[1]!.tensor

async function cli(...args: string[]) {
  const printed: string[] = []
  const warned: string[] = []
  const progress: string[] = []
  const code = await runCli(args, {
    print: (text) => printed.push(text),
    warn: (text) => warned.push(text),
    progress: (what, done, total) => progress.push(`${what} ${done}/${total}`),
  })
  return { code, out: printed.join('\n'), err: warned.join('\n'), progress }
}

/** Packs a fixture with what every call needs; `more` comes last, so it wins. */
const packFixture = (name: string, ...more: string[]) =>
  cli(
    ...['pack', at(`${name}.onnx`), '--at', place(name), '--labels', at('labels.txt'), '--scale', '-1..1'],
    ...['--threads', '1', '--out', at('bundles', name), ...more],
  )

describe('isthmus-models pack', () => {
  it('makes a bundle that is what it says, fitted to photos and tried on them', async () => {
    const { code, out, err, progress } = await packFixture('towers', '--photos', at('photos'))
    expect(err).not.toContain('isthmus-models:')
    expect(code).toBe(0)
    const { manifest } = await loadBundle(at('bundles', 'towers'))
    const [, latent] = inspectModel(fixture('towers')).cuts
    expect(manifest).toMatchObject({
      name: 'towers',
      version: '1.0.0',
      labels,
      input: { name: 'x', dims: [3, 12, 12], layout: 'NCHW', mean: [0.5, 0.5, 0.5], fit: 'cover' },
      output: { name: 'probabilities', dims: [5], kind: 'probabilities' },
      latent: { name: latent!.tensor, dims: latent!.dims.slice(1) },
    })
    expect(manifest.modes).toMatchObject([
      { id: 1, route: 'local', payloadBytes: 0 },
      {
        id: 2,
        route: 'split',
        quantizer: { kind: 'entropy', bits: 8 },
      },
      {
        id: 3,
        route: 'split',
        quantizer: { kind: 'entropy', bits: 4 },
      },
      { id: 4, route: 'edge', image: { codec: 'jpeg', quality: 90 } },
    ])
    const [, eight, four] = manifest.modes
    expect(eight!.payloadBytes).toBeLessThan(latent!.uint8Bytes)
    expect(four!.payloadBytes).toBeLessThan(latent!.uint8Bytes / 2)
    // The device can answer alone, with the whole network, of which there is one copy.
    expect(manifest.models.local?.file).toBe(manifest.models.full?.file)
    expect(manifest.recipe).toMatchObject({
      'calibration.photos': photoCount,
      'agreement.photos': photoCount,
    })
    expect(manifest.recipe!['split-8bit.agreement']).toBe(1)
    expect(out).toMatch(/2 {2}split-8bit {2}split .* 100\.0 %/)
    expect(out).toMatch(/8 bits: 0\.00 to /)
    expect(progress).toContain(`trying the modes ${photoCount}/${photoCount}`)
    expect(await cli('verify', at('bundles', 'towers'))).toMatchObject({ code: 0 })
  })

  it('sends the same values without codes when it is told to', async () => {
    const packed = await packFixture('towers', '--photos', at('photos'), '--coding', 'none')
    expect(packed.code).toBe(0)
    const { manifest } = await loadBundle(at('bundles', 'towers'))
    const [, latent] = inspectModel(fixture('towers')).cuts
    expect(manifest.modes.slice(1, 3)).toMatchObject([
      { quantizer: { kind: 'affine-static', bits: 8 }, payloadBytes: latent!.uint8Bytes },
      { quantizer: { kind: 'affine-static', bits: 4 }, payloadBytes: latent!.uint8Bytes / 2 },
    ])
    const wrong = await packFixture('towers', '--coding', 'zip')
    expect(wrong).toMatchObject({ code: 2, err: expect.stringContaining('--coding') })
  })

  it('tells what to start next', async () => {
    const { out } = await packFixture('towers')
    expect(out).toMatch(/isthmus-edge --bundles .*bundles\n/)
    expect(out).toContain("import { connectDevice } from '@isthmus/device-sdk'")
    expect(out).toMatch(/bundle: '.*bundles\/towers'/)
  })

  it('without photos sends the range along, and claims nothing that it did not measure', async () => {
    const { code, out, err } = await packFixture('computed-shape', '--bits', '16,3')
    expect(code).toBe(0)
    expect(err).toMatch(/Without photos/)
    expect(out).toContain('not measured')
    const { manifest } = await loadBundle(at('bundles', 'computed-shape'))
    expect(manifest.output.kind).toBe('logits')
    const quantizers = manifest.modes.flatMap((mode) => (mode.route === 'split' ? [mode.quantizer] : []))
    expect(quantizers).toEqual([
      { kind: 'affine-dynamic', bits: 16 },
      { kind: 'affine-dynamic', bits: 3 },
    ])
    expect(JSON.stringify(manifest)).not.toMatch(/accuracy|agreement|measuredOn/)
  })

  it('measures accuracy where classes are known', async () => {
    // Half of the photos lie in the folder of their colour, the others in that of another.
    for (let i = 0; i < photoCount; i++) {
      const name = labels[(i < 5 ? i : i + 1) % 5]!
      await mkdir(at('labelled', name), { recursive: true })
      await cp(at('photos', `${i}.png`), at('labelled', name, `${i}.png`))
    }
    const measured = ['--labelled', at('labelled'), '--edge', 'raw']
    const { code, out } = await packFixture('colours', ...measured)
    expect(code).toBe(0)
    expect(out).toMatch(/split-4bit .* 100\.0 % +50\.0 %/)
    const { manifest } = await loadBundle(at('bundles', 'colours'))
    expect(manifest.models.full?.accuracy).toBe(0.5)
    expect(manifest.modes.map(({ accuracy }) => accuracy)).toEqual([0.5, 0.5, 0.5, 0.5])
    expect(manifest.measuredOn).toBe('10 photos of labelled')
    expect(manifest.modes.at(-1)!.payloadBytes).toBe(12 * 12 * 3)
    expect(await packFixture('colours', '--labelled', at('named'))).toMatchObject({
      code: 1,
      err: expect.stringContaining('What is on "mauve.png"?'),
    })
  })

  it('tells how much worse a network is that has not learned the classes', async () => {
    const local = ['--local', at('computed-shape.onnx'), '--labelled', at('photos-by-colour')]
    for (let i = 0; i < photoCount; i++) {
      await mkdir(at('photos-by-colour', labels[i % 5]!), { recursive: true })
      await cp(at('photos', `${i}.png`), at('photos-by-colour', labels[i % 5]!, `${i}.png`))
    }
    expect(await packFixture('colours', ...local)).toMatchObject({ code: 0 })
    const { manifest } = await loadBundle(at('bundles', 'colours'))
    const [own, split] = manifest.modes
    expect(split!.accuracy).toBe(1)
    expect(own!.accuracy).toBeLessThan(0.7)
    expect(own!.accuracy).toBe(manifest.models.local!.accuracy)
    expect(manifest.models.full!.accuracy).toBe(1)
    expect(manifest.recipe).toMatchObject({ 'local.agreement': own!.accuracy, 'split-8bit.agreement': 1 })
  })

  it('takes a network with its channels last', async () => {
    const packed = await packFixture(
      'channels-last',
      '--photos',
      at('photos'),
      '--fit',
      'fill',
      '--edge',
      'none',
    )
    expect(packed.code).toBe(0)
    const { manifest } = await loadBundle(at('bundles', 'channels-last'))
    expect(manifest.input).toMatchObject({ dims: [12, 12, 3], layout: 'NHWC', fit: 'fill' })
    expect(manifest.modes.map(({ route }) => route)).toEqual(['local', 'split', 'split'])
  })

  it("packs the device's own network, under the names of the whole one", async () => {
    const local = ['--local', at('residual.onnx'), '--edge', 'none', '--photos', at('photos')]
    expect(await packFixture('towers', ...local)).toMatchObject({ code: 0 })
    const { manifest } = await loadBundle(at('bundles', 'towers'))
    expect(Object.keys(manifest.models)).toEqual(['local', 'head', 'tail'])
    expect(manifest.models.local?.macs).toBe(inspectModel(fixture('residual')).macs)
    expect(await readdir(at('bundles', 'towers'))).toEqual([
      'head.onnx',
      'local.onnx',
      'manifest.json',
      'tail.onnx',
    ])
    expect(await cli('verify', at('bundles', 'towers'))).toMatchObject({ code: 0 })
    expect(await packFixture('towers', '--local', at('channels-last.onnx'))).toMatchObject({
      code: 1,
      err: expect.stringMatching(/local network takes \[12,12,3\], the whole one \[3,12,12\]/),
    })
    expect(await packFixture('towers', '--local', at('computed-shape.onnx'))).toMatchObject({
      code: 1,
      err: expect.stringMatching(/gives logits \[5\], the whole one probabilities \[5\]/),
    })
  })

  it('uses as many photos as asked for, and passes over what is no photo', async () => {
    await cp(at('photos'), at('mixed'), { recursive: true })
    await writeFile(at('mixed', 'broken.jpg'), 'not a photo')
    const all = await packFixture('towers', '--photos', at('mixed'))
    expect(all.code).toBe(0)
    expect(all.err).toMatch(/passed over .*broken\.jpg/)
    expect(all.out).toContain(`on ${photoCount} photos`)
    expect((await packFixture('towers', '--photos', at('photos'), '--limit', '2')).out).toContain(
      'on 2 photos',
    )
  })

  it('names both counts when labels and outputs differ', async () => {
    await writeFile(at('four.txt'), labels.slice(1).join('\n'))
    const four = await packFixture('towers', '--labels', at('four.txt'))
    expect(four).toMatchObject({ code: 1, err: expect.stringMatching(/4 labels.*5 outputs.*--background/) })
    expect(await packFixture('towers', '--labels', at('four.txt'), '--background')).toMatchObject({ code: 0 })
    const { manifest } = await loadBundle(at('bundles', 'towers'))
    expect(manifest.labels).toEqual(['background', ...labels.slice(1)])
  })

  it('refuses a payload that no message carries, before any work', async () => {
    const wide = fixture('towers')
    const inputs = [{ name: 'x', dtype: 'float32', dims: ['N', 3, 'H', 'W'] }] as const
    await writeModelFile(at('open.onnx'), { ...wide, graph: { ...wide.graph, inputs } })
    const refused = await cli(
      ...['pack', at('open.onnx'), '--at', place('towers'), '--labels', at('labels.txt'), '--scale', '0..1'],
      ...['--shape', 'x=1x3x400x400', '--out', at('bundles', 'open')],
    )
    expect(refused).toMatchObject({ code: 1, progress: [] })
    expect(refused.err).toMatch(/frame takes 240\.0 kB with 8 bits.*The next cut that fits is ".*--bits 4/)
    expect(refused.err).not.toContain('\n')
  })

  it('never overwrites what is no bundle', async () => {
    await mkdir(at('precious'))
    await writeFile(at('precious', 'thesis.txt'), 'mine')
    expect(await packFixture('towers', '--out', at('precious'))).toMatchObject({
      code: 1,
      err: expect.stringContaining('precious cannot become a bundle'),
    })
    expect(await readFile(at('precious', 'thesis.txt'), 'utf8')).toBe('mine')
  })

  it.each([
    ['no cut', [], /--at TENSOR/, ['--at']],
    ['no labels', [], /--labels FILE/, ['--labels']],
    ['no scale', [], /--scale/, ['--scale']],
    ['two scales', ['--mean', '0', '--std', '1'], /Not both/, []],
    ['a scale upside down', ['--scale', '1..-1'], /--scale 1\.\.-1/, []],
    ['odd bits', ['--bits', '8,12'], /--bits 8,12/, []],
    ['an unknown coding', ['--edge', 'gif'], /--edge gif/, []],
    ['an impossible quality', ['--edge', 'jpeg:101'], /--edge jpeg:101/, []],
    ['an unknown fit', ['--fit', 'contain'], /--fit contain: choose cover or fill/, []],
    ['half a version', ['--version', '1.0'], /--version 1\.0/, []],
    ['a name with a slash', ['--name', 'a/b'], /--name a\/b/, []],
    ['too much clipped', ['--clip', '50'], /--clip 50/, []],
    ['no threads', ['--threads', '0'], /--threads 0/, []],
  ])('explains what is wrong with %s', async (_, more, message, without) => {
    const usual = { '--at': place('towers'), '--labels': at('labels.txt'), '--scale': '0..1' }
    const kept = Object.entries(usual).filter(([option]) => !without.includes(option as never))
    const { code, err } = await cli('pack', at('towers.onnx'), ...kept.flat(), ...more)
    expect(code).toBe(2)
    expect(err).toMatch(message)
    expect(err).toContain('isthmus-models pack --help')
  })

  it('refuses networks that a bundle cannot describe', async () => {
    expect(await packFixture('two-heads')).toMatchObject({
      code: 1,
      err: expect.stringMatching(/one output/),
    })
    expect(await packFixture('towers', '--at', 'nowhere')).toMatchObject({ code: 1 })
    expect(await packFixture('towers', '--labels', at('none.txt'))).toMatchObject({ code: 1 })
    expect(await packFixture('towers', '--photos', at('none'))).toMatchObject({ code: 1 })
    expect(await packFixture('towers', '--edge', 'webp:80')).toMatchObject({
      code: 1,
      err: expect.stringContaining('--photos'),
    })
  })
})
