import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type LittleTeacherOptions,
  littleTeacher,
  writePhotos,
} from '../bottleneck/test-teachers.test.support.ts'
import { loadBundle } from '../bundle/load.ts'
import { writeModelFile } from '../onnx/model-files.ts'
import { openSession } from '../runtime/index.ts'
import { runCli } from './run.ts'

let folder: string
const at = (...names: string[]) => join(folder, ...names)

const teachers: Record<string, LittleTeacherOptions> = {
  plain: {},
  planar: { layout: 'NCHW', end: 'softmax', opset: 18 },
  obstacle: { withoutGradient: 'last' },
  passable: { withoutGradient: 'before' },
  scores: { end: 'sigmoid' },
  map: { end: 'map' },
  nan: { end: 'nan' },
  old: { opset: 11 },
  wide: { side: 128, stride: 8 },
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'isthmus-bottleneck-'))
  for (const [name, options] of Object.entries(teachers))
    await writeModelFile(at(`${name}.onnx`), littleTeacher(options))
  await mkdir(at('photos'))
  await writePhotos(at('photos'), 20)
})
afterAll(() => rm(folder, { recursive: true }))

async function cli(...args: string[]) {
  const printed: string[] = []
  const warned: string[] = []
  const progress = new Set<string>()
  const code = await runCli(['bottleneck', ...args], {
    print: (text) => printed.push(text),
    warn: (text) => warned.push(text),
    progress: (what) => progress.add(what),
  })
  return { code, printed: printed.join('\n'), warned: warned.join('\n'), progress: [...progress] }
}

let runs = 0
/** A short run on the photos, into folders of its own. */
async function short(teacher: string, ...more: string[]) {
  const name = `run${runs++}`
  const out = at('bundles', name)
  const options = [
    '--images',
    at('photos'),
    '--scale',
    '-1..1',
    '--out',
    out,
    '--work',
    at('work', name),
    '--threads',
    '1',
  ]
  const result = await cli(
    at(`${teacher}.onnx`),
    ...options,
    '--encoder',
    'small',
    '--channels',
    '4',
    '--rates',
    '3',
    '--steps',
    '6,4',
    '--views',
    '2',
    ...more,
  )
  return { ...result, out, work: at('work', name) }
}

describe('isthmus-models bottleneck', () => {
  it('leaves the first layers as they are and transforms what they give, without training', async () => {
    const out = at('bundles', 'own')
    const common = ['--images', at('photos'), '--scale', '-1..1', '--out', out, '--threads', '1']
    const { code, printed, progress } = await cli(
      at('plain.onnx'),
      ...common,
      '--rates',
      '4',
      '--channels',
      '8',
    )
    expect(code).toBe(0)
    expect(printed).toMatch(/can be sent/)
    expect(printed).toMatch(/device keeps everything up to early, .* of the multiply-adds/)
    expect(progress).toContain('how channels vary together')
    const bundle = await loadBundle(out)
    const { manifest } = bundle
    expect(manifest.latent).toMatchObject({ dims: [8, 12, 12] })
    expect(manifest.recipe).toMatchObject({ cutAt: 'early', directions: 8, varianceKept: 1 })
    const numbers = JSON.parse(await readFile(`${out}.report.json`, 'utf8'))
    const finest = numbers.evaluation.ways.find((way: { name: string }) => way.name === 'split-rate1')
    expect(finest.agreement).toBe(1)
    // With all directions nothing is lost: head and tail together are the teacher, but for weights stored in 16 bits.
    const photo = {
      dtype: 'float32',
      dims: [1, 24, 24, 3],
      data: new Float32Array(24 * 24 * 3).fill(0.3),
    } as const
    const [head, tail, whole] = await Promise.all(
      (['head', 'tail', 'full'] as const).map((role) => openSession(bundle.modelBytes(role))),
    )
    const { latent } = await head!.run({ x: photo })
    const answer = await tail!.run({ latent: latent! })
    const wanted = await whole!.run({ x: photo })
    const values = wanted.answer!.data as Float32Array
    const spread = Math.max(...values) - Math.min(...values)
    for (const [at, value] of (answer.answer!.data as Float32Array).entries())
      expect(Math.abs(value - values[at]!)).toBeLessThan(0.02 * spread)
  })

  it('needs no gradients for that', async () => {
    const out = at('bundles', 'own-obstacle')
    const { code } = await cli(
      at('obstacle.onnx'),
      '--images',
      at('photos'),
      '--scale',
      '-1..1',
      '--out',
      out,
    )
    expect(code).toBe(0)
    const refused = await cli(at('plain.onnx'), '--images', at('photos'), '--out', out, '--cut', 'logits')
    expect(refused.code).toBe(1)
    expect(refused.warned).toMatch(/"logits".*cannot be sent.*Cuts that do: "early"/)
    expect((await cli(at('plain.onnx'), '--images', at('photos'), '--encoder', 'big')).code).not.toBe(0)
  })

  it('refuses more tables than a bundle holds before the work, not after it', async () => {
    const limit = /tables, and a bundle holds 8192: fewer --channels or --rates/
    const asked = await cli(at('plain.onnx'), '--images', at('photos'), '--channels', '200', '--rates', '9')
    expect(asked.warned).toMatch(limit)
    // 96 channels, if nobody says how many.
    const usual = ['--images', at('photos'), '--encoder', 'small', '--plan', '--rates', '18']
    expect((await cli(at('wide.onnx'), ...usual)).warned).toMatch(limit)
  })

  it('makes a bundle and a report from a classifier and a folder of photos', async () => {
    const { code, printed, warned, progress, out } = await short('plain')
    // Ten steps teach nothing, and it says so.
    expect(warned).toMatch(/^$|does not pay yet/)
    expect(code).toBe(0)
    const { manifest } = await loadBundle(out)
    expect(manifest).toMatchObject({
      input: { name: 'x', dims: [24, 24, 3], layout: 'NHWC' },
      output: { name: 'answer', dims: [4], kind: 'logits' },
      latent: { name: 'latent', dims: [4, 12, 12] },
      labels: ['class 0', 'class 1', 'class 2', 'class 3'],
      measuredOn: 'agreement with the teacher on 3 photos kept back',
    })
    expect(manifest.modes[0]).toMatchObject({ route: 'local', accuracy: 1 })
    expect(manifest.modes.filter(({ route }) => route === 'split').length).toBeGreaterThan(0)
    expect(manifest.modes.at(-1)).toMatchObject({ route: 'edge', name: 'jpeg-75' })
    expect(manifest.recipe).toMatchObject({ 'heldOut.count': 3, photos: 17, featureSteps: 6, answerSteps: 4 })
    const page = await readFile(`${out}.report.html`, 'utf8')
    expect(page).toContain('<svg')
    expect(page).not.toMatch(/(src|href)=/)
    const numbers = JSON.parse(await readFile(`${out}.report.json`, 'utf8'))
    expect(numbers.heldOut).toEqual(['003.png', '010.png', '016.png'])
    expect(numbers.evaluation.ways.map((way: { family: string }) => way.family)).toContain('avif')
    expect(printed).toMatch(/can be replaced/)
    expect(printed).toMatch(/Plan: replace everything up to (early|late)/)
    expect(progress).toContain('stage 2 of 2: answers')
  })

  it('does nothing but plan with --plan', async () => {
    const { code, printed, out, work } = await short('plain', '--plan')
    expect(code).toBe(0)
    expect(printed).toContain('stage 1   6 steps of 4')
    await expect(readdir(out)).rejects.toThrow()
    await expect(readdir(work)).rejects.toThrow()
  })

  it('finds out what pixels are for the network when nobody says it', async () => {
    const out = at('bundles', 'guessed')
    const { code, printed } = await cli(at('planar.onnx'), '--images', at('photos'), '--out', out, '--plan')
    expect(code).toBe(0)
    expect(printed).toMatch(/Scale of pixels: --scale (imagenet|-1\.\.1|0\.\.1|0\.\.255)/)
  })

  it('takes networks that end in Softmax, with planar pixels, of a later operator set', async () => {
    const { code, out, warned } = await short('planar')
    // Ten steps teach nothing, and it says so.
    expect(warned).toMatch(/^$|does not pay yet/)
    expect(code).toBe(0)
    expect((await loadBundle(out)).manifest.output.kind).toBe('probabilities')
  })

  it('goes around an operator without gradient', async () => {
    const { code, printed } = await short('passable', '--plan')
    expect(code).toBe(0)
    expect(printed).toContain('Plan: replace everything up to early')
    const refused = await short('passable', '--cut', 'first', '--plan')
    expect(refused.code).toBe(1)
    expect(refused.warned).toMatch(
      /"first" no gradient comes through InstanceNormalization "unlearnable".*Cuts that do: "early", "late"/,
    )
  })

  it('names the operator when none of the cuts is behind it', async () => {
    const { code, warned } = await short('obstacle')
    expect(code).toBe(1)
    expect(warned).toMatch(/No gradient comes through Elu "unlearnable"/)
  })

  it('names the cuts that will do when the one that was asked for will not', async () => {
    const { code, warned } = await short('plain', '--cut', 'logits')
    expect(code).toBe(1)
    expect(warned).toMatch(/"logits".*Cuts that do: .*"early"/)
    expect((await short('plain', '--cut', 'nowhere')).warned).toMatch(/no place to cut/)
  })

  it('matches only features when the answers are no distribution', async () => {
    const { code, warned, progress } = await short('scores')
    expect(code).toBe(0)
    expect(warned).toMatch(/only features are matched/)
    expect(progress).not.toContain('stage 2 of 2: answers')
  })

  it.each([
    ['map', /one number for each of two classes/],
    ['nan', /NaN or infinity/],
    ['old', /operator set 11; training needs 13/],
  ])('refuses a teacher that cannot be taught from: %s', async (teacher, reason) => {
    const { code, warned, out } = await short(teacher)
    expect(code).toBe(1)
    expect(warned).toMatch(reason)
    await expect(readdir(out)).rejects.toThrow()
  })

  it('says what is wrong with the photos', async () => {
    await mkdir(at('empty'))
    expect((await short('plain', '--images', at('empty'))).warned).toMatch(/no photos in/)
    await mkdir(at('one'))
    await writePhotos(at('one'), 1)
    const one = await short('plain', '--images', at('one'))
    expect(one.code).toBe(1)
    expect(one.warned).toMatch(/One photo is too few/)
    await mkdir(at('two'))
    await writePhotos(at('two'), 2)
    expect((await short('plain', '--images', at('two'))).warned).toMatch(/2 photos are too few/)
    await mkdir(at('broken'))
    await writePhotos(at('broken'), 4)
    await writeFile(at('broken', '004.jpg'), 'no photo')
    const broken = await short('plain', '--images', at('broken'))
    expect(broken.code).toBe(0)
    expect(broken.warned).toMatch(/passed over .*004\.jpg/)
    expect((await short('plain', '--images', at('broken'), '--eval', '4')).warned).toMatch(
      /cannot be kept back/,
    )
  })

  it('leaves nothing half-written where it cannot write', async () => {
    await writeFile(at('file'), '')
    const { code, warned } = await short('plain', '--out', at('file', 'bundle'))
    expect(code).toBe(1)
    expect(warned).toMatch(/file/)
    expect(await readFile(at('file'), 'utf8')).toBe('')
    const work = await short('plain', '--work', at('file', 'work'))
    expect(work.code).toBe(1)
    expect(work.warned).toMatch(/cannot be written/)
  })

  it('keeps apart runs that differ', async () => {
    const { work, code, out } = await short('plain')
    expect(code).toBe(0)
    const again = await short('plain', '--work', work, '--out', out, '--rates', '2')
    expect(again.code).toBe(0)
    expect(again.printed).toContain('Going on with the run in this folder.')
    const other = await short('plain', '--work', work, '--seed', '2')
    expect(other.code).toBe(1)
    expect(other.warned).toMatch(/holds another run/)
  })
})
