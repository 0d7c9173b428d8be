import type { RgbImage } from '@isthmus/models/data'
import sharp from 'sharp'
import type { Detail } from '../suite.ts'
import { batchesOf, bestClasses, type Interface, type Score } from './classify.ts'
import { type CodecSetting, throughCodec } from './codecs/image-codecs.ts'
import { pickledBytes } from './pickled-bytes.ts'
import { cheapest, type RatePoint } from './rate-curve.ts'

/** One quality of one codec setting: mean bytes of a picture by each way of counting, and how often the teacher is right after it, %. */
export interface CodecPoint {
  readonly quality: number
  readonly bytes: number
  readonly strippedBytes: number
  readonly pickledBytes: number
  readonly score: number
}

export interface CodecCurve {
  readonly setting: CodecSetting
  readonly points: readonly CodecPoint[]
}

/** The network behind the codec, the pictures, and what it should say of each. */
export interface Teacher {
  readonly face: Interface
  readonly score: Score
  readonly pictures: readonly RgbImage[]
  readonly wanted: ArrayLike<number>
}

/** Every setting at every quality: encode, decode, teacher. */
export async function codecCurves(
  settings: readonly CodecSetting[],
  teacher: Teacher,
  say: (line: string) => void,
): Promise<CodecCurve[]> {
  // Many small pictures at once, each on one thread, are faster than one after the other on all.
  sharp.concurrency(1)
  const curves: CodecCurve[] = []
  for (const setting of settings) {
    say(`${setting.name}: ${setting.qualities.length} qualities of ${teacher.pictures.length} pictures`)
    const points: CodecPoint[] = []
    for (const quality of setting.qualities) points.push(await codecPoint(setting, quality, teacher))
    curves.push({ setting, points })
  }
  return curves
}

async function codecPoint(setting: CodecSetting, quality: number, teacher: Teacher): Promise<CodecPoint> {
  const { face, score, pictures, wanted } = teacher
  const coded = await Promise.all(pictures.map((picture) => throughCodec(picture, setting, quality)))
  const decoded = coded.map((one) => one.decoded)
  let right = 0
  for await (const { start, rows, tensors } of batchesOf(face, decoded)) {
    bestClasses(await score(rows, tensors), rows).forEach((found, row) => {
      if (found === wanted[start + row]) right++
    })
  }
  const meanOf = (size: (one: (typeof coded)[number]) => number) =>
    coded.reduce((sum, one) => sum + size(one), 0) / coded.length
  return {
    quality,
    bytes: meanOf(({ bytes }) => bytes),
    strippedBytes: meanOf(({ strippedBytes }) => strippedBytes),
    pickledBytes: meanOf(({ bytes }) => pickledBytes(bytes)),
    score: (100 * right) / pictures.length,
  }
}

/** The curves by bytes after stripping, by name: what ours is held against. */
export const strippedCurves = (curves: readonly CodecCurve[]): Record<string, RatePoint[]> =>
  Object.fromEntries(
    curves.map(({ setting, points }) => [
      setting.name,
      points.map(({ strippedBytes, score }) => ({ bytes: strippedBytes, score })),
    ]),
  )

export interface Comparison {
  readonly name: string
  readonly bytes: number
  readonly score: number
  readonly codec: string
  readonly codecBytes: number
  readonly ratio: number
}

/** For each of our points: the codec that is as good with the fewest bytes. Points that no codec reaches are left out. */
export function compareAll(
  points: readonly (RatePoint & { readonly name: string })[],
  curves: readonly CodecCurve[],
): Comparison[] {
  const stripped = strippedCurves(curves)
  return points.flatMap(({ name, bytes, score }) => {
    const best = cheapest(stripped, score)
    return best
      ? [{ name, bytes, score, codec: best.name, codecBytes: best.bytes, ratio: best.bytes / bytes }]
      : []
  })
}

/** Curves as a result file holds them. */
export const describedCurves = (curves: readonly CodecCurve[]): Record<string, Detail> =>
  Object.fromEntries(
    curves.map(({ setting, points }) => [
      setting.name,
      { family: setting.family, about: setting.about, points: points.map((point) => ({ ...point })) },
    ]),
  )
