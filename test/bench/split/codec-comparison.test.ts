import { GraphBuilder, writeModel } from '@isthmus/models/onnx'
import { describe, expect, it } from 'vitest'
import { classifyBy, hitsOf, openNetwork, percentage } from './classify.ts'
import { codecCurves, compareAll, strippedCurves } from './codec-comparison.ts'
import { jpegSettings, losslessWebp } from './codecs/image-codecs.ts'

const size = 16
const face = {
  input: {
    name: 'input',
    dims: [3, size, size] as [number, number, number],
    layout: 'NCHW' as const,
    mean: [0, 0, 0],
    std: [1, 1, 1],
    fit: 'fill' as const,
  },
  output: { name: 'scores', dims: [3], kind: 'logits' as const },
}

/** Says which of the three colours a picture has most of. */
function colourJudge(): Uint8Array {
  const g = new GraphBuilder('colour')
  const x = g.input('input', 'float32', ['N', ...face.input.dims])
  g.output(g.op('Flatten', [g.op('GlobalAveragePool', [x])]), 'scores', 'float32', ['N', 3])
  return writeModel(g.build())
}

/** Every picture has one colour in front, by the least step that there is: coarse coding loses it. */
const pictures = Array.from({ length: 30 }, (_, picture) => ({
  pixels: Uint8Array.from({ length: 3 * size * size }, (_, at) => 100 + (at % 3 === picture % 3 ? 3 : 0)),
  width: size,
  height: size,
}))
const labels = Array.from(pictures, (_, picture) => picture % 3)

describe('a codec in front of a network', () => {
  it('is scored by what the network says of decoded pictures, and every point knows its bytes', async () => {
    const network = await openNetwork(face, colourJudge(), 1)
    const settings = [jpegSettings([5, 100])[1]!, losslessWebp]
    const teacher = { face, score: network.score, pictures, wanted: labels }
    const [jpeg, webp] = await codecCurves(settings, teacher, () => {})
    await network.dispose()
    const [coarse, fine] = jpeg!.points
    expect(webp!.points[0]!.score).toBe(100)
    expect(fine!.score).toBeGreaterThan(coarse!.score)
    for (const { bytes, strippedBytes, pickledBytes } of [...jpeg!.points, ...webp!.points]) {
      expect(strippedBytes).toBeLessThan(bytes)
      expect(pickledBytes).toBeGreaterThan(bytes + 40)
    }
    expect(strippedCurves([jpeg!])['jpeg-444']).toHaveLength(2)
  })

  it('sees the same pictures as the network alone', async () => {
    const found = await classifyBy(face, colourJudge(), pictures, 1)
    expect(percentage(hitsOf(found, labels))).toBe(100)
  })
})

describe('our points against codecs', () => {
  const point = (bytes: number, score: number) => ({
    quality: 1,
    bytes: 2 * bytes,
    strippedBytes: bytes,
    pickledBytes: 2 * bytes + 50,
    score,
  })
  const [setting, other] = jpegSettings([1])
  const curves = [
    { setting: setting!, points: [point(100, 50), point(400, 70)] },
    { setting: other!, points: [point(300, 69)] },
  ]

  it('are compared with the codec that needs the fewest bytes without its headers', () => {
    const [at60, at69] = compareAll(
      [
        { name: 'low', bytes: 50, score: 60 },
        { name: 'high', bytes: 100, score: 69 },
      ],
      curves,
    )
    expect(at60).toMatchObject({ name: 'low', codec: 'jpeg-420' })
    expect(at60!.ratio).toBeCloseTo(4, 9)
    expect(at69).toMatchObject({ name: 'high', codec: 'jpeg-444', codecBytes: 300, ratio: 3 })
  })

  it('are left out where no codec is as good', () => {
    expect(compareAll([{ name: 'best', bytes: 100, score: 71 }], curves)).toEqual([])
  })
})
