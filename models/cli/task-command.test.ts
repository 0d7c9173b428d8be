import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadBundle } from '../bundle/load.ts'
import { redraft } from '../bundle/redraft.ts'
import { streetDraft } from '../bundle/street-draft.test.support.ts'
import { writeBundle } from '../bundle/write.ts'
import { float32Tensor, GraphBuilder, writeModel } from '../onnx/index.ts'
import { runCli } from './run.ts'

/** `from` [1,4] → `to` [1,count]. */
function layer(from: string, to: string, count: number, size = 4): Uint8Array {
  const graph = new GraphBuilder('layer')
  const matrix = graph.constant(float32Tensor(new Float32Array(size * count).fill(0.5), [size, count]))
  graph.output(graph.op('MatMul', [graph.input(from, 'float32', ['N', size]), matrix]), to, 'float32', [
    'N',
    count,
  ])
  return writeModel(graph.build())
}

let folder: string
let dir: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'isthmus-task-'))
  dir = join(folder, 'street')
  await writeBundle(
    dir,
    streetDraft({
      models: {
        head: { file: 'head.onnx', macs: 1, params: 1 },
        tail: { file: 'tail.onnx', macs: 8, params: 8 },
      },
    }),
    { 'head.onnx': Uint8Array.of(1), 'tail.onnx': layer('z', 'y', 2) },
  )
  await writeFile(join(folder, 'coat.txt'), 'fur\nnone\n')
  await writeFile(join(folder, 'wide.onnx'), layer('z', 'logits', 2))
  await writeFile(join(folder, 'foreign,names.onnx'), layer('features', 'scores', 2))
})
afterEach(() => rm(folder, { recursive: true }))

async function task(...args: string[]) {
  const lines: string[] = []
  const print = (text: string) => lines.push(text)
  const code = await runCli(['task', dir, ...args], { print, warn: print })
  return { code, text: lines.join('\n') }
}
const coat = () => ['--name', 'coat', '--labels', join(folder, 'coat.txt')]
const decoder = (file: string, rest: string) => ['--decoder', `${join(folder, file)},${rest}`]

describe('isthmus-models task', () => {
  it('gives a bundle a task with decoders of several widths, whatever the names of their doors', async () => {
    const { key } = await loadBundle(dir)
    const { code, text } = await task(
      ...coat(),
      ...decoder('wide.onnx', '1,0.97'),
      ...decoder('foreign,names.onnx', '0.5,0.9'),
    )
    expect(text).toMatch(/coat +1 .*97\.0 %/)
    expect(text).toContain('preference: { coat: 1 }')
    expect(code).toBe(0)
    const bundle = await loadBundle(dir)
    expect(bundle.key).not.toBe(key)
    expect(bundle.manifest.tasks).toMatchObject([
      {
        name: 'coat',
        labels: ['fur', 'none'],
        decoders: [
          { id: 1, width: 1, accuracy: 0.97, macs: 8, params: 8 },
          { id: 2, width: 0.5, accuracy: 0.9, macs: 8 },
        ],
      },
    ])
    expect((await readdir(join(dir, 'tasks'))).sort()).toEqual(['coat-1.onnx', 'coat-2.onnx'])
  })

  it('replaces a task of the same name, keeps others, and takes one away', async () => {
    await task(...coat(), ...decoder('wide.onnx', '1,0.97'), ...decoder('wide.onnx', '0.5,0.9'))
    await task('--name', 'tail', '--labels', join(folder, 'coat.txt'), ...decoder('wide.onnx', '1,0.8'))
    await task(...coat(), ...decoder('wide.onnx', '1,0.6'))
    const { tasks } = (await loadBundle(dir)).manifest
    expect(tasks!.map(({ name, decoders }) => [name, decoders.map(({ id }) => id)])).toEqual([
      ['tail', [3]],
      ['coat', [1]],
    ])
    expect((await task('--name', 'coat', '--remove')).code).toBe(0)
    expect((await task('--name', 'tail', '--remove')).text).toContain('has no further tasks')
    expect((await loadBundle(dir)).manifest).not.toHaveProperty('tasks')
    expect((await readdir(dir)).sort()).toEqual(['head.onnx', 'manifest.json', 'tail.onnx'])
  })

  it('leaves the decoders of other tasks and the models as they are, whatever files they have', async () => {
    const { draft, files } = redraft(await loadBundle(dir))
    const own = { macs: 8, params: 8, width: 1, accuracy: 0.9 }
    const labels = ['fur', 'none']
    const tasks = [
      { name: 'coat', labels, decoders: [{ ...own, file: 'tasks/coat-1.onnx', id: 1 }] },
      { name: 'fur', labels, decoders: [{ ...own, file: 'tasks/coat-1.onnx', id: 2 }] },
      { name: 'same', labels, decoders: [{ ...own, file: 'tail.onnx', id: 3 }] },
    ]
    const shared = layer('z', 'logits', 2)
    await writeBundle(dir, { ...draft, tasks }, { ...files, 'tasks/coat-1.onnx': shared })
    await writeFile(join(folder, 'three.onnx'), layer('z', 'logits', 3))
    await writeFile(join(folder, 'three.txt'), 'fur\nfelt\nnone\n')
    const three = ['--labels', join(folder, 'three.txt'), ...decoder('three.onnx', '1,0.97')]
    expect((await task('--name', 'coat', ...three)).code).toBe(0)
    const { decoderBytes } = await loadBundle(dir)
    expect(Uint8Array.from(decoderBytes(2))).toEqual(shared)
    expect(Uint8Array.from(decoderBytes(1))).not.toEqual(shared)
    expect((await task('--name', 'fur', '--remove')).code).toBe(0)
    expect((await task('--name', 'same', '--remove')).code).toBe(0)
    expect((await readdir(dir)).sort()).toEqual(['head.onnx', 'manifest.json', 'tail.onnx', 'tasks'])
    expect(await readdir(join(dir, 'tasks'))).toEqual(['coat-2.onnx'])
  })

  it('finds a number for a decoder where another has the last one', async () => {
    const { draft, files } = redraft(await loadBundle(dir))
    const last = { file: 'tail.onnx', macs: 8, params: 8, id: 2 ** 32 - 1, width: 1, accuracy: 0.9 }
    await writeBundle(
      dir,
      { ...draft, tasks: [{ name: 'fur', labels: ['yes', 'no'], decoders: [last] }] },
      files,
    )
    expect((await task(...coat(), ...decoder('wide.onnx', '1,0.97'))).code).toBe(0)
    const { tasks } = (await loadBundle(dir)).manifest
    expect(tasks!.map(({ decoders }) => decoders[0]!.id)).toEqual([2 ** 32 - 1, 1])
  })

  it('takes tasks away from a bundle that no server would serve, one after the other', async () => {
    const { draft, files } = redraft(await loadBundle(dir))
    const labels = Array.from({ length: 40_000 }, (_, at) => `label ${at}`)
    const tasks = ['fur', 'coat'].map((name, at) => ({
      name,
      labels,
      decoders: [{ file: 'many.onnx', macs: 160_000, params: 160_000, id: at + 1, width: 1, accuracy: 0.9 }],
    }))
    await writeBundle(dir, { ...draft, tasks }, { ...files, 'many.onnx': layer('z', 'logits', 40_000) })
    expect((await task('--name', 'fur', '--remove')).code).toBe(0)
    expect((await task('--name', 'coat', '--remove')).text).toContain('has no further tasks')
  })

  it('takes names that differ in case only, and shows how a device writes one', async () => {
    const labels = coat().slice(2)
    await task('--name', 'Lens-dirty', ...labels, ...decoder('wide.onnx', '1,0.9'))
    const { code, text } = await task('--name', 'lens-dirty', ...labels, ...decoder('wide.onnx', '1,0.9'))
    expect(text).toContain("preference: { 'lens-dirty': 1 }")
    expect(code).toBe(0)
    expect((await readdir(join(dir, 'tasks'))).sort()).toEqual(['Lens-dirty-1.onnx', 'lens-dirty-2.onnx'])
  })

  it.each([
    ['another latent', () => [...coat(), ...decoder('five.onnx', '1,0.9')], /five\.onnx has the input/],
    [
      'another number of answers',
      () => [...coat(), ...decoder('three.onnx', '1,0.9')],
      /has the output|gives/,
    ],
    ['two outputs', () => [...coat(), ...decoder('two.onnx', '1,0.9')], /1 inputs and 2 outputs/],
    ['no model', () => [...coat(), ...decoder('coat.txt', '1,0.9')], /coat\.txt/],
    ['no file', () => [...coat(), ...decoder('nothing.onnx', '1,0.9')], /nothing\.onnx/],
    ['no width', () => [...coat(), '--decoder', 'wide.onnx'], /FILE,WIDTH,ACCURACY/],
    ['a width of none', () => [...coat(), ...decoder('wide.onnx', '0,0.9')], /width/],
    ['an accuracy above 1', () => [...coat(), ...decoder('wide.onnx', '1,97')], /accuracy/],
    ['no decoder', () => coat(), /at least one --decoder/],
    ['no labels', () => ['--name', 'coat', ...decoder('wide.onnx', '1,0.9')], /--labels/],
    [
      'no such labels',
      () => ['--name', 'coat', '--labels', 'x.txt', ...decoder('wide.onnx', '1,0.9')],
      /x\.txt/,
    ],
    [
      'more answers than a reply holds',
      () => ['--name', 'coat', '--labels', join(folder, 'many.txt'), ...decoder('many.onnx', '1,0.9')],
      /No server would serve it: .* does not fit/,
    ],
    ['no name', () => decoder('wide.onnx', '1,0.9'), /--name/],
    ['nothing to remove', () => ['--name', 'coat', '--remove'], /no task "coat"/],
    ['both', () => [...coat(), '--remove'], /or --remove alone/],
    [
      'a bad name',
      () => ['--name', 'a/b', '--labels', coat()[3]!, ...decoder('wide.onnx', '1,0.9')],
      /tasks/,
    ],
  ])('refuses %s, and leaves the bundle as it was', async (_, args, message) => {
    await writeFile(join(folder, 'five.onnx'), layer('z', 'logits', 2, 5))
    await writeFile(join(folder, 'three.onnx'), layer('z', 'logits', 3))
    await writeFile(join(folder, 'many.onnx'), layer('z', 'logits', 40_000))
    await writeFile(
      join(folder, 'many.txt'),
      Array.from({ length: 40_000 }, (_, at) => `label ${at}`).join('\n'),
    )
    const graph = new GraphBuilder('two')
    const matrix = graph.constant(float32Tensor(new Float32Array(8).fill(0.5), [4, 2]))
    const product = graph.op('MatMul', [graph.input('z', 'float32', ['N', 4]), matrix])
    for (const to of ['other', 'scores'])
      graph.output(graph.op('Identity', [product]), to, 'float32', ['N', 2])
    await writeFile(join(folder, 'two.onnx'), writeModel(graph.build()))
    const { key } = await loadBundle(dir)
    const { code, text } = await task(...args())
    expect(text).toMatch(message)
    expect(code).not.toBe(0)
    expect((await loadBundle(dir)).key).toBe(key)
    expect(await readdir(folder)).not.toContainEqual(expect.stringMatching(/^\.street/))
  })
})
