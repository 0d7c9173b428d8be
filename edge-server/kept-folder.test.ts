import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { keepFolder, makeFolder } from './kept-folder.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'isthmus-kept-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** What a process leaves that is killed: a socket where nobody listens. */
async function deadSocket(path: string): Promise<void> {
  const server = createServer().listen(`${path}.new`)
  await once(server, 'listening')
  await rename(`${path}.new`, path)
  server.close()
  await once(server, 'close')
}

describe('a folder that is kept', () => {
  it('is nobody else’s until it is released', async () => {
    const kept = await keepFolder(folder)
    await expect(keepFolder(folder)).rejects.toMatchObject({ code: 'FOLDER_IN_USE' })
    await expect(keepFolder(join(folder, '..', folder.split('/').at(-1)!))).rejects.toMatchObject({
      code: 'FOLDER_IN_USE',
    })
    await kept.release()
    await (await keepFolder(folder)).release()
  })

  it('is kept for each owner by itself', async () => {
    const [whole, a, b] = await Promise.all([
      keepFolder(folder),
      keepFolder(folder, 'edge-a'),
      keepFolder(folder, 'edge-b'),
    ])
    await expect(keepFolder(folder, 'edge-a')).rejects.toMatchObject({ code: 'FOLDER_IN_USE' })
    await Promise.all([whole, a, b].map((kept) => kept.release()))
    await (await keepFolder(folder, 'edge-a')).release()
  })

  it('is free again when its process was killed', async () => {
    const module = fileURLToPath(new URL('./kept-folder.js', import.meta.url))
    const program = `import(${JSON.stringify(module)}).then(async ({ keepFolder }) => {
      await keepFolder(${JSON.stringify(folder)})
      setInterval(() => {}, 1000)
      console.log('kept')
    })`
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(child.stdout, 'data')
    await expect(keepFolder(folder)).rejects.toMatchObject({ code: 'FOLDER_IN_USE' })
    child.kill('SIGKILL')
    await once(child, 'exit')
    await (await keepFolder(folder)).release()
  })

  it.skipIf(process.platform === 'win32')(
    'is one’s at most of many that find it left by a dead one',
    async () => {
      for (let round = 0; round < 40; round++) {
        const left = join(folder, `${round}`)
        await makeFolder(left)
        await deadSocket(join(left, 'in-use-0'))
        await deadSocket(join(left, 'in-use'))
        const tries = await Promise.allSettled([keepFolder(left), keepFolder(left), keepFolder(left)])
        const kept = tries.filter((one) => one.status === 'fulfilled')
        expect(kept.length).toBeLessThanOrEqual(1)
        for (const { value } of kept) await value.release()
        await (await keepFolder(left)).release()
        expect(await readdir(left)).not.toContain('in-use-0')
      }
    },
  )

  it('made anew while it is in use is its new owner’s alone, also when the old one leaves', async () => {
    const old = await keepFolder(folder)
    await rm(folder, { recursive: true })
    await makeFolder(folder)
    const kept = await keepFolder(folder)
    await old.release()
    await expect(keepFolder(folder)).rejects.toMatchObject({ code: 'FOLDER_IN_USE' })
    await kept.release()
  })

  it('keeps files of its user, whatever their names', async () => {
    for (const name of ['in-use', 'in-use-0']) await writeFile(join(folder, name), 'mine')
    await (await keepFolder(folder)).release()
    expect((await readdir(folder)).sort()).toEqual(['in-use', 'in-use-0'])
  })

  it('may have a long name', async () => {
    const long = join(folder, 'a'.repeat(90), 'b'.repeat(90))
    await makeFolder(long)
    const kept = await keepFolder(long)
    await expect(keepFolder(long)).rejects.toMatchObject({ code: 'FOLDER_IN_USE' })
    await (await keepFolder(folder)).release()
    await kept.release()
    await (await keepFolder(long)).release()
  })

  it('must be there', async () => {
    await expect(keepFolder(join(folder, 'nowhere'))).rejects.toMatchObject({ code: 'ENOENT' })
  })
})

describe('making a folder', () => {
  it('makes those above it, with their mode, and leaves what is there', async () => {
    const deep = join(folder, 'a', 'b', 'c')
    await makeFolder(deep, 0o700)
    await makeFolder(deep, 0o755)
    if (process.platform !== 'win32') {
      for (const path of [join(folder, 'a'), deep]) expect((await stat(path)).mode & 0o777).toBe(0o700)
    }
  })

  it('by many at once does no harm', async () => {
    const deep = join(folder, 'x', 'y', 'z')
    await Promise.all(Array.from({ length: 8 }, () => makeFolder(deep)))
    expect((await stat(deep)).isDirectory()).toBe(true)
  })

  it('says what stands in the way', async () => {
    await writeFile(join(folder, 'file'), '')
    await expect(makeFolder(join(folder, 'file'))).rejects.toMatchObject({ code: 'EEXIST' })
    await expect(makeFolder(join(folder, 'file', 'below'))).rejects.toMatchObject({ code: 'ENOTDIR' })
  })

  it.skipIf(process.platform !== 'linux')('comes back from where nothing can be made', async () => {
    await expect(makeFolder('/proc/isthmus/adapt')).rejects.toMatchObject({ syscall: 'mkdir' })
  })
})
