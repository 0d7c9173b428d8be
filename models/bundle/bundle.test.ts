import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { bundleFromFiles, loadBundle, writeBundle } from './index.ts'
import { streetDraft } from './street-draft.test.support.ts'

let folder: string
let dir: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'isthmus-bundle-'))
  dir = join(folder, 'street')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
const files = { 'head.onnx': bytesOf('the head'), 'parts/tail.onnx': bytesOf('the tail') }

const rejects = (promise: Promise<unknown>, code: string, message: string) =>
  expect(promise).rejects.toMatchObject({
    name: 'IsthmusError',
    code,
    message: expect.stringContaining(message),
  })

describe('a bundle', () => {
  it('loads as it was written', async () => {
    const written = await writeBundle(dir, streetDraft(), files)
    const loaded = await loadBundle(dir)
    expect(loaded.manifest).toEqual(written.manifest)
    expect(loaded.manifest.models.head).toEqual({
      file: 'head.onnx',
      bytes: 8,
      sha256: createHash('sha256').update('the head').digest('hex'),
      macs: 1,
      params: 1,
    })
    expect(loaded.id).toBe('street@1.0.0')
    expect(Buffer.from(loaded.modelBytes('head')).toString()).toBe('the head')
    expect(Buffer.from(loaded.modelBytes('tail')).toString()).toBe('the tail')
  })

  it('loads decoders of tasks as they were written, verified, and only where they are wanted', async () => {
    const decoder = { file: 'tasks/coat.onnx', macs: 1, params: 1, id: 9, width: 0.5, accuracy: 0.9 }
    const tasks = [{ name: 'coat', labels: ['fur', 'none'], decoders: [decoder] }]
    const coat = new TextEncoder().encode('the decoder')
    const given = { ...files, 'tasks/coat.onnx': coat }
    const { id } = await writeBundle(dir, streetDraft({ tasks }), given)
    const loaded = await loadBundle(dir)
    expect(loaded.manifest.tasks![0]!.decoders[0]).toMatchObject({ ...decoder, bytes: 11 })
    expect(Buffer.from(loaded.decoderBytes(9)).toString()).toBe('the decoder')
    expect(() => loaded.decoderBytes(8)).toThrow(`Bundle ${id}: decoder 8 is not in it.`)
    const withoutDecoders = await loadBundle(dir, { only: ['tail'] })
    expect(() => withoutDecoders.decoderBytes(9)).toThrow(`Bundle ${id}: decoder 9 was not loaded.`)
    // A bundle and nothing else: it may be replaced.
    await writeBundle(dir, streetDraft({ tasks }), given)
    await rejects(
      writeBundle(dir, streetDraft({ tasks }), files),
      'BAD_OPTION',
      "decoder 9 needs 'tasks/coat.onnx'",
    )
    await writeFile(join(dir, 'tasks', 'coat.onnx'), 'the decodes')
    await rejects(loadBundle(dir), 'BUNDLE_FILE_CHANGED', 'tasks/coat.onnx')
  })

  it('has the first four bytes of the SHA-256 of its manifest as key, the lowest first', async () => {
    const { key } = await writeBundle(dir, streetDraft(), files)
    const hash = createHash('sha256')
      .update(await readFile(join(dir, 'manifest.json')))
      .digest()
    expect(key).toBe(hash.readUInt32LE(0))
  })

  it('has another key when anything in it is another, and the same when nothing is', async () => {
    const { key } = await writeBundle(dir, streetDraft(), files)
    expect((await writeBundle(join(folder, 'same'), streetDraft(), files)).key).toBe(key)
    const otherHead = { ...files, 'head.onnx': bytesOf('the Head') }
    expect((await writeBundle(join(folder, 'other'), streetDraft(), otherHead)).key).not.toBe(key)
    expect((await writeBundle(join(folder, 'newer'), streetDraft({ version: '1.0.1' }), files)).key).not.toBe(
      key,
    )
  })

  it('gives only the models that were asked for, and does not touch the other files', async () => {
    await writeBundle(dir, streetDraft(), files)
    await rm(join(dir, 'parts'), { recursive: true })
    const bundle = await loadBundle(dir, { only: ['head', 'local'] })
    expect(bundle.modelBytes('head').length).toBe(8)
    const noModel = (message: string) =>
      expect.objectContaining({ code: 'BUNDLE_NO_MODEL', message: expect.stringContaining(message) })
    expect(() => bundle.modelBytes('tail')).toThrow(noModel('tail model was not loaded'))
    expect(() => bundle.modelBytes('local')).toThrow(noModel('local model is not in it'))
  })

  it('loads in a browser, by whatever reads and hashes there', async () => {
    const { key } = await writeBundle(dir, streetDraft(), files)
    const hex = (hash: ArrayBuffer) => Buffer.from(hash).toString('hex')
    const bundle = await bundleFromFiles(
      new Uint8Array(await readFile(join(dir, 'manifest.json'))),
      async (file) => new Uint8Array(await readFile(join(dir, file))),
      async (bytes) => hex(await crypto.subtle.digest('SHA-256', bytes)),
    )
    expect(bundle.key).toBe(key)
    expect(Buffer.from(bundle.modelBytes('tail')).toString()).toBe('the tail')
  })

  it('reads a file once that is two models', async () => {
    const one = { file: 'net.onnx', macs: 1, params: 1 }
    const modes = [
      { id: 1, name: 'local', route: 'local', payloadBytes: 0, headMacs: 1, tailMacs: 0 },
    ] as const
    const { manifest } = await writeBundle(
      dir,
      streetDraft({ models: { local: one, full: one }, modes: [...modes] }),
      {
        'net.onnx': bytesOf('net'),
      },
    )
    const read: string[] = []
    await bundleFromFiles(
      await readFile(join(dir, 'manifest.json')),
      async (file) => {
        read.push(file)
        return bytesOf('net')
      },
      async (bytes) => createHash('sha256').update(bytes).digest('hex'),
    )
    expect(read).toEqual(['net.onnx'])
    expect(manifest.models.local?.sha256).toBe(manifest.models.full?.sha256)
  })
})

describe('loading refuses', () => {
  beforeEach(() => writeBundle(dir, streetDraft(), files))

  it('a file with a changed byte, by name', async () => {
    await writeFile(join(dir, 'parts/tail.onnx'), 'the tall')
    await rejects(loadBundle(dir), 'BUNDLE_FILE_CHANGED', "'parts/tail.onnx' does not have the SHA-256")
    await expect(loadBundle(dir, { only: ['head'] })).resolves.toBeDefined()
  })

  it.each([7, 9, 0, 2 ** 40])('a file of %s bytes instead of 8, without reading it', async (bytes) => {
    await truncate(join(dir, 'head.onnx'), bytes)
    await rejects(
      loadBundle(dir),
      'BUNDLE_FILE_CHANGED',
      `'head.onnx' has ${bytes} bytes; the manifest says 8`,
    )
  })

  it('a missing file, by name', async () => {
    await rm(join(dir, 'head.onnx'))
    await rejects(loadBundle(dir), 'BUNDLE_FILE_MISSING', "'head.onnx' is missing")
  })

  it('a folder in place of a file', async () => {
    await rm(join(dir, 'head.onnx'))
    await mkdir(join(dir, 'head.onnx'))
    await rejects(loadBundle(dir), 'BUNDLE_UNREADABLE', 'not a plain file')
  })

  it('a device in place of a file', async () => {
    await rm(join(dir, 'head.onnx'))
    await symlink('/dev/zero', join(dir, 'head.onnx'))
    await rejects(loadBundle(dir), 'BUNDLE_UNREADABLE', 'not a plain file')
  })

  it('a folder without a manifest', async () => {
    await rejects(loadBundle(folder), 'BUNDLE_UNREADABLE', 'no manifest.json')
    await rejects(loadBundle(join(folder, 'nowhere')), 'BUNDLE_UNREADABLE', 'nowhere')
  })

  it.each([
    ['what is not JSON', '{ "format": 1, ', 'not JSON'],
    ['what is not UTF-8', Buffer.from([0x22, 0xff, 0x22]), 'not JSON'],
    ['another format', '{ "format": 7 }', 'format:'],
  ])('a manifest that is %s', async (_, content, message) => {
    await writeFile(join(dir, 'manifest.json'), content)
    await rejects(loadBundle(dir), 'BAD_MANIFEST', message)
  })

  it('a manifest of absurd size, without reading it', async () => {
    await truncate(join(dir, 'manifest.json'), 2 ** 40)
    await rejects(loadBundle(dir), 'BAD_MANIFEST', `${2 ** 40} bytes`)
  })

  it('a path out of the folder, even when the file is there', async () => {
    await writeFile(join(folder, 'head.onnx'), 'the head')
    const manifest = await readFile(join(dir, 'manifest.json'), 'utf8')
    await writeFile(join(dir, 'manifest.json'), manifest.replace('"head.onnx"', '"../head.onnx"'))
    await rejects(loadBundle(dir), 'BAD_MANIFEST', 'models.head.file')
  })
})

describe('writing', () => {
  it('leaves nothing behind but the bundle, readable as the umask says', async () => {
    await writeBundle(dir, streetDraft(), files)
    expect(await readdir(folder)).toEqual(['street'])
    expect((await readdir(dir)).sort()).toEqual(['head.onnx', 'manifest.json', 'parts'])
    expect((await stat(dir)).mode & 0o777).toBe(0o777 & ~process.umask())
  })

  it('replaces an older bundle as a whole', async () => {
    await writeBundle(dir, streetDraft(), { ...files })
    const named = { head: { file: 'first.onnx', macs: 1, params: 1 }, tail: streetDraft().models.tail! }
    const renamed = { 'first.onnx': files['head.onnx'], 'parts/tail.onnx': files['parts/tail.onnx'] }
    await writeBundle(dir, streetDraft({ models: named }), renamed)
    expect((await readdir(dir)).sort()).toEqual(['first.onnx', 'manifest.json', 'parts'])
    await writeBundle(dir, streetDraft({ version: '2.0.0' }), files)
    expect((await loadBundle(dir)).id).toBe('street@2.0.0')
    expect(await readdir(folder)).toEqual(['street'])
    expect((await readdir(dir)).sort()).toEqual(['head.onnx', 'manifest.json', 'parts'])
  })

  it('refuses a folder with other things in it, and leaves them', async () => {
    await mkdir(dir)
    await writeFile(join(dir, 'thesis.txt'), 'the only copy')
    await rejects(writeBundle(dir, streetDraft(), files), 'BUNDLE_EXISTS', dir)
    expect(await readdir(dir)).toEqual(['thesis.txt'])
    expect(await readdir(folder)).toEqual(['street'])
  })

  it('refuses the folder of another program that has a manifest.json, too', async () => {
    await mkdir(join(dir, 'src'), { recursive: true })
    await writeFile(join(dir, 'manifest.json'), '{ "name": "a browser extension" }')
    await writeFile(join(dir, 'src', 'main.js'), 'the only copy')
    await rejects(writeBundle(dir, streetDraft(), files), 'BUNDLE_EXISTS', dir)
    expect(await readdir(join(dir, 'src'))).toEqual(['main.js'])
  })

  it('refuses a bundle with a file of somebody else in it, by name', async () => {
    await writeBundle(dir, streetDraft(), files)
    await writeFile(join(dir, 'parts', 'notes.txt'), 'the only copy')
    await rejects(
      writeBundle(dir, streetDraft({ version: '2.0.0' }), files),
      'BUNDLE_EXISTS',
      "'parts/notes.txt' in it would be lost",
    )
    expect((await loadBundle(dir)).id).toBe('street@1.0.0')
    expect(await readdir(folder)).toEqual(['street'])
  })

  it('takes an empty folder', async () => {
    await mkdir(dir)
    expect((await writeBundle(dir, streetDraft(), files)).id).toBe('street@1.0.0')
  })

  it('leaves the old bundle alone when the new one is not valid', async () => {
    await writeBundle(dir, streetDraft(), files)
    await rejects(writeBundle(dir, streetDraft({ labels: ['one'] }), files), 'BAD_MANIFEST', 'output.dims')
    expect((await loadBundle(dir)).id).toBe('street@1.0.0')
    expect(await readdir(folder)).toEqual(['street'])
  })

  it('cannot be led out of the folder', async () => {
    const models = { ...streetDraft().models, head: { file: '../head.onnx', macs: 1, params: 1 } }
    const outside = { '../head.onnx': bytesOf('x'), 'parts/tail.onnx': bytesOf('y') }
    await rejects(writeBundle(dir, streetDraft({ models }), outside), 'BAD_MANIFEST', 'models.head.file')
    expect(await readdir(folder)).toEqual([])
  })

  it('refuses a file too few or too many', async () => {
    await rejects(
      writeBundle(dir, streetDraft(), { 'head.onnx': bytesOf('x') }),
      'BAD_OPTION',
      "'parts/tail.onnx'",
    )
    await rejects(
      writeBundle(dir, streetDraft(), { ...files, 'extra.onnx': bytesOf('x') }),
      'BAD_OPTION',
      "'extra.onnx'",
    )
  })
})
