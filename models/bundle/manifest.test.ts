import { describe, expect, it } from 'vitest'
import { type Manifest, parseManifest } from './index.ts'

const file = (name: string) => ({ file: name, sha256: 'a'.repeat(64), bytes: 10, macs: 5, params: 2 })
const costs = { payloadBytes: 0, headMacs: 1, tailMacs: 1 }

const good = (): Manifest => ({
  format: 1,
  name: 'street',
  version: '1.2.3-beta.1+build',
  task: 'classification',
  labels: ['cat', 'dog'],
  input: {
    name: 'image',
    dims: [3, 8, 6],
    layout: 'NCHW',
    mean: [0.5, 0.5, 0.5],
    std: [0.2, 0.2, 0.2],
    fit: 'cover',
  },
  output: { name: 'logits', dims: [2], kind: 'logits' },
  latent: { name: 'z', dims: [3, 3, 3] },
  models: {
    local: file('local.onnx'),
    head: file('parts/head.onnx'),
    tail: file('tail.onnx'),
    full: file('full.onnx'),
  },
  modes: [
    { ...costs, id: 1, name: 'local', route: 'local', accuracy: 0.88 },
    {
      ...costs,
      id: 2,
      name: 'split-5',
      route: 'split',
      payloadBytes: 17,
      quantizer: { kind: 'affine-static', bits: 5, scale: 0.1, zeroPoint: 3 },
    },
    {
      ...costs,
      id: 3,
      name: 'split-16',
      route: 'split',
      payloadBytes: 54,
      quantizer: { kind: 'affine-dynamic', bits: 16 },
    },
    {
      ...costs,
      id: 4,
      name: 'jpeg',
      route: 'edge',
      payloadBytes: 900,
      image: { codec: 'jpeg', quality: 75 },
    },
  ],
  measuredOn: 'CIFAR-10 test set',
  recipe: { name: 'student', seed: 1, wallTimeS: 1234.5 },
})

/** A good manifest in which the value at a path, as in `modes.1.id`, is another; `undefined` takes it away. */
function changed(path: string, value: unknown, of: Manifest = good()): unknown {
  const manifest = structuredClone(of) as unknown as Record<string, unknown>
  const keys = path.split('.')
  const last = keys.pop()!
  const parent = keys.reduce((at, key) => at[key] as Record<string, unknown>, manifest)
  if (value === undefined) delete parent[last]
  else parent[last] = value
  return manifest
}

/** A good manifest with a filter and an exit. */
const gated = (): Manifest => ({
  ...good(),
  models: { ...good().models, filter: file('filter.onnx'), exit: file('exit.onnx') },
  filter: {
    reads: 'input',
    interest: ['cat'],
    auc: 0.97,
    recall: 0.9,
    points: [
      { recall: 0.9, threshold: 0.6, measuredRecall: 0.89, measuredSkipped: 0.8 },
      { recall: 0.99, threshold: 0.2 },
    ],
  },
  exit: {
    gate: 'confidence',
    temperature: 1.2,
    eceBefore: 0.03,
    eceAfter: 0.01,
    target: 0.98,
    points: [
      { target: 0.95, threshold: 0.8, accuracy: 0.951, share: 0.7 },
      { target: 0.98, threshold: 0.9 },
    ],
  },
})

/** A good manifest with two tasks. */
const withTasks = (): Manifest => {
  const decoder = (id: number, width: number) => ({ ...file(`tasks/${id}.onnx`), id, width, accuracy: 0.9 })
  return {
    ...good(),
    tasks: [
      { name: 'coat', labels: ['fur', 'none'], decoders: [decoder(1, 1), decoder(2, 0.5)] },
      { name: 'size', labels: ['small', 'large', 'huge'], decoders: [decoder(7, 1)] },
    ],
  }
}

const refused = (json: unknown, message: RegExp) =>
  expect(() => parseManifest(json)).toThrow(
    expect.objectContaining({
      name: 'IsthmusError',
      code: 'BAD_MANIFEST',
      message: expect.stringMatching(message),
    }),
  )

describe('tasks in a manifest', () => {
  it('come back as they are when all is well', () => {
    expect(parseManifest(withTasks())).toEqual(withTasks())
  })

  it.each([
    ['tasks.1.name', 'coat', /tasks\[1\]\.name: 'coat' is already/],
    ['tasks.1.name', '../coat', /tasks\[1\]\.name/],
    ['tasks.1.decoders.0.id', 2, /tasks\[1\]\.decoders\[0\]\.id: 2 is already/],
    ['tasks.1.decoders.0.id', 0, /tasks\[1\]\.decoders\[0\]\.id/],
    ['tasks.0.decoders', [], /tasks\[0\]\.decoders/],
    ['tasks.0.labels', [], /tasks\[0\]\.labels/],
    ['tasks.0.decoders.1.width', 0, /width/],
    ['tasks.0.decoders.1.width', 1.5, /width/],
    ['tasks.0.decoders.1.accuracy', undefined, /accuracy/],
    ['tasks.0.decoders.1.file', '../x.onnx', /file/],
    ['tasks.0.decoders.1.file', 'tail.onnx', undefined],
    ['tasks.0.decoders.1.file', 'TAIL.onnx', /one file on some systems/],
    ['tasks.0.decoders.1.channels', 3, /channels/],
  ])('are checked: %s = %j', (path, value, message) => {
    const json = changed(path, value, withTasks())
    if (message) refused(json, message)
    else expect(parseManifest(json).tasks).toHaveLength(2)
  })

  it('need a latent and a tail', () => {
    const { modes, ...rest } = withTasks()
    const withoutSplit = modes.filter(({ route }) => route !== 'split')
    refused({ ...rest, modes: withoutSplit, latent: undefined }, /tasks: need latent/)
    const { tail: _, ...models } = rest.models
    refused({ ...rest, modes: withoutSplit, models }, /tasks: need latent/)
  })
})

describe('a manifest', () => {
  it('comes back as it is when all is well', () => {
    expect(parseManifest(good())).toEqual(good())
  })

  it('needs neither latent, nor recipe, nor all models, nor accuracies', () => {
    const { latent: _, recipe: __, measuredOn: ___, ...rest } = good()
    const { full } = good().models
    const small = {
      ...rest,
      models: { local: full },
      modes: [{ ...costs, id: 1, name: 'local', route: 'local' }],
    }
    expect(parseManifest(small)).toEqual(small)
    // What the server has does not run on the device.
    expect(() => parseManifest({ ...small, models: { full } })).toThrow(
      /route: a local mode needs models\.local/,
    )
  })

  it.each<[string, unknown, RegExp]>([
    ['format', 2, /format:/],
    ['name', '../up', /name: must be/],
    ['name', undefined, /name:/],
    ['version', '1.2', /version: must be a semantic version/],
    ['version', '01.2.3', /version:/],
    ['task', 'detection', /task:/],
    ['labels', [], /labels:/],
    ['labels.1', '', /labels\[1\]:/],
    ['input.dims', [3, 8], /input\.dims/],
    ['input.dims.0', 0, /input\.dims\[0\]:/],
    ['input.dims.0', 1.5, /input\.dims\[0\]:/],
    ['input.dims.1', 2 ** 27, /input\.dims: more than/],
    ['input.mean', [0.5], /input\.mean: 3 channels need 3 values/],
    ['input.std', [1, 1, 1, 1], /input\.std: 3 channels/],
    ['input.std.2', 0, /input\.std\[2\]:/],
    ['input.layout', 'NHWC', /input\.mean: 6 channels/],
    ['output.dims', [3], /output\.dims: 3 values for 2 labels/],
    ['latent.dims', [2 ** 20, 2 ** 20], /latent\.dims: more than/],
    ['models.head.sha256', 'A'.repeat(64), /models\.head\.sha256: must be 64 lowercase/],
    ['models.head.bytes', 0, /models\.head\.bytes:/],
    ['models.head.bytes', 2 ** 40, /models\.head\.bytes:/],
    ['models.head.macs', -1, /models\.head\.macs:/],
    ['models.head.accuracy', 88, /models\.head\.accuracy:/],
    ['modes', [], /modes:/],
    ['modes.0.id', 0, /modes\[0\]\.id:/],
    ['modes.0.id', 2 ** 32, /modes\[0\]\.id:/],
    ['modes.3.id', 2, /modes\[3\]\.id: 2 is already another mode's/],
    ['modes.2.name', 'local', /modes\[2\]\.name: 'local' is already/],
    ['modes.0.route', 'skip', /modes\[0\]\.route:/],
    ['modes.0.payloadBytes', 4, /modes\[0\]\.payloadBytes: a local mode sends nothing/],
    ['modes.1.payloadBytes', 27, /modes\[1\]\.payloadBytes: .* at 5 bits are 17 bytes, not 27/],
    ['modes.1.quantizer.bits', 9, /modes\[1\]\.quantizer: 9 bits/],
    ['modes.1.quantizer.scale', -0.1, /modes\[1\]\.quantizer: scale -0\.1/],
    ['modes.1.quantizer.zeroPoint', 32, /modes\[1\]\.quantizer: zero point 32/],
    ['modes.1.quantizer.scale', undefined, /modes\[1\]\.quantizer\.scale:/],
    ['modes.2.quantizer.scale', 1, /modes\[2\]\.quantizer\.scale: unknown key/],
    ['modes.3.image.quality', 101, /modes\[3\]\.image\.quality:/],
    ['modes.3.image.codec', 'png', /modes\[3\]\.image\.quality: png loses nothing/],
    ['models.tail', undefined, /modes\[1\]\.route: a split mode needs models\.head and models\.tail/],
    ['models.full', undefined, /modes\[3\]\.route: an edge mode needs models\.full/],
    ['latent', undefined, /modes\[1\]\.route: a split mode needs latent/],
    ['recipe.seed', null, /recipe\.seed:/],
  ])('is refused with %s = %j', (path, value, message) => {
    refused(changed(path, value), message)
  })

  it.each([
    '/etc/passwd',
    '../secret.onnx',
    'a/../../secret.onnx',
    'a/./b.onnx',
    '..\\secret.onnx',
    'C:/x.onnx',
    'a//b.onnx',
    '.hidden',
    'x\0.onnx',
    'https://example.org/x.onnx',
    'manifest.json',
    '',
  ])('is refused when a file is %j', (path) => {
    refused(changed('models.full.file', path), /models\.full\.file: /)
  })

  it.each([
    ['label', ['a'], /label: unknown key, did you mean 'labels'\?/],
    ['input.meen', [1], /input\.meen: unknown key, did you mean 'mean'\?/],
    ['models.full.SHA256', 'x', /models\.full\.SHA256: unknown key, did you mean 'sha256'\?/],
    ['modes.1.colour', 1, /modes\[1\]\.colour: unknown key\./],
    ['x'.repeat(5000), 1, /x{60}: unknown key/],
  ])('is refused with the unknown key %s', (path, value, message) => {
    refused(changed(path, value), message)
  })

  it('comes back as it is with a filter and an exit', () => {
    expect(parseManifest(gated())).toEqual(gated())
  })

  it.each<[string, unknown, RegExp]>([
    ['models.filter', undefined, /filter: needs models\.filter/],
    ['filter', undefined, /models\.filter: needs filter/],
    ['filter.reads', 'pixels', /filter\.reads:/],
    ['filter.interest', [], /filter\.interest:/],
    ['filter.interest', ['cat', 'fish'], /filter\.interest\[1\]: 'fish' is no label/],
    ['filter.interest', ['cat', 'cat'], /filter\.interest\[1\]: 'cat' is no label, or named twice/],
    ['filter.recall', 0.95, /filter\.recall: no point has 0\.95/],
    ['filter.recall', 0, /filter\.recall:/],
    ['filter.points', [], /filter\.points:/],
    ['filter.points.1.recall', 0.9, /filter\.points: recalls must rise/],
    ['filter.points.1.threshold', 0.7, /filter\.points: a higher recall cannot have a higher threshold/],
    ['filter.points.0.threshold', Number.NaN, /filter\.points\[0\]\.threshold:/],
    ['filter.points.0.treshold', 1, /filter\.points\[0\]\.treshold: unknown key, did you mean 'threshold'\?/],
    ['models.exit', undefined, /exit: needs models\.exit/],
    ['exit', undefined, /models\.exit: needs exit/],
    ['exit.heads', [], /exit\.heads:/],
    ['exit.heads', ['head', 'narrowHead'], /exit: needs models\.narrowHead and latent/],
    ['exit.gate', 'margin', /exit\.gate:/],
    ['exit.temperature', 0, /exit\.temperature:/],
    ['exit.target', 0.9, /exit\.target: no point has 0\.9/],
    ['exit.points.1.target', 0.94, /exit\.points: targets must rise/],
    ['exit.points.1.threshold', 1.5, /exit\.points\[1\]\.threshold:/],
  ])('with a filter and an exit is refused with %s = %j', (path, value, message) => {
    refused(changed(path, value, gated()), message)
  })

  it('is refused when filter or exit read a latent that is not there', () => {
    const { latent: _, ...rest } = gated()
    const whole = { ...rest, modes: rest.modes.filter(({ route }) => route !== 'split') }
    refused(whole, /exit: needs models\.head and latent/)
    const { exit: __, ...unexited } = whole
    const { exit: ___, ...models } = whole.models
    refused(
      { ...unexited, models, filter: { ...whole.filter, reads: 'latent' } },
      /filter\.reads: a filter on the latent needs models\.head and latent/,
    )
    refused({ ...gated(), modes: whole.modes }, /exit: needs a split mode/)
  })

  it('is refused when one file is said to have two hashes', () => {
    refused(
      changed('models.full', { ...file('local.onnx'), sha256: 'b'.repeat(64) }),
      /'local\.onnx' is named with two/,
    )
  })

  it.each(['Local.onnx', 'LOCAL.ONNX'])('is refused when %s is local.onnx on some systems', (name) => {
    refused(changed('models.full', { ...file(name) }), /are one file on some systems/)
  })

  it.each([null, undefined, 3, 'manifest', [], [good()]])('is not %j', (json) => {
    refused(json, /manifest: /)
  })

  it('names several faults at once', () => {
    refused({ ...good(), name: '', task: 'x' }, /name: .*; task: /)
  })
})
