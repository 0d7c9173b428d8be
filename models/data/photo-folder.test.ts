import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { listPhotos } from './photo-folder.ts'

describe('photos of a folder', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'isthmus-photos-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  it('are found in the folders below too, in one order everywhere, without hidden and other files', async () => {
    await mkdir(join(folder, 'b', 'deep'), { recursive: true })
    await mkdir(join(folder, 'folder.jpg'))
    await mkdir(join(folder, '.thumbnails', 'large'), { recursive: true })
    for (const name of [
      'z.JPG',
      'a.png',
      'notes.txt',
      '._a.png',
      'B.webp',
      'b/deep/c.jpeg',
      '.thumbnails/large/a.png',
    ]) {
      await writeFile(join(folder, name), '')
    }
    const expected = ['B.webp', 'a.png', 'b/deep/c.jpeg', 'z.JPG']
    expect(await listPhotos(folder)).toEqual(expected.map((name) => join(folder, name)))
  })

  it.skipIf(process.platform === 'win32')('include linked files, not links to nothing', async () => {
    await writeFile(join(folder, 'a.png'), '')
    await symlink(join(folder, 'a.png'), join(folder, 'link.png'))
    await symlink(join(folder, 'gone.png'), join(folder, 'broken.png'))
    expect(await listPhotos(folder)).toEqual([join(folder, 'a.png'), join(folder, 'link.png')])
  })

  it('are asked for by name when there are none, or no folder', async () => {
    const none = (message: RegExp) =>
      expect.objectContaining({ code: 'NO_IMAGES', message: expect.stringMatching(message) })
    await expect(listPhotos(folder)).rejects.toEqual(none(/no photos in .*isthmus-photos/))
    await expect(listPhotos(join(folder, 'absent'))).rejects.toEqual(none(/absent/))
  })
})
