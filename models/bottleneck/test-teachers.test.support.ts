import { join } from 'node:path'
import sharp from 'sharp'
import { seededRandom } from '../data/index.ts'
import { float32Tensor, GraphBuilder, type Model } from '../onnx/index.ts'

/** Colours that the little teachers tell apart. */
export const tints = [
  [1, 0, 0],
  [0, 1, 0],
  [0, 0, 1],
  [1, 1, 1],
]

export interface LittleTeacherOptions {
  readonly layout?: 'NCHW' | 'NHWC'
  readonly opset?: number
  /** An operator that has no gradient: before the second convolution, or at the very end. */
  readonly withoutGradient?: 'before' | 'last'
  readonly end?: 'logits' | 'softmax' | 'sigmoid' | 'map' | 'nan'
  /** Of the photo (24), and of the first convolution (2). */
  readonly side?: number
  readonly stride?: number
}

/** A convolutional network of two layers for photos of 24 × 24, or as asked for, that tells four colours apart: `x` → `answer` [N,4]. */
export function littleTeacher({
  layout = 'NHWC',
  opset = 17,
  withoutGradient,
  end = 'logits',
  side = 24,
  stride = 2,
}: LittleTeacherOptions = {}): Model {
  const random = seededRandom(11)
  const g = new GraphBuilder('little-teacher', opset)
  const weights = (...dims: number[]) => {
    const length = dims.reduce((product, dim) => product * dim, 1)
    const spread = Math.sqrt(2 / (length / dims[0]!))
    return g.constant(
      float32Tensor(
        Float32Array.from({ length }, () => spread * random.normal()),
        dims,
      ),
    )
  }
  const conv = (x: string, from: number, to: number, stride: number, name: string) =>
    g.op(
      'Conv',
      [x, weights(to, from, 3, 3)],
      { kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides: [stride, stride] },
      name,
    )
  const noGradient = (x: string, channels: number) => {
    const ones = () => g.constant(float32Tensor(new Float32Array(channels).fill(1)))
    return g.op('InstanceNormalization', [x, ones(), ones()], {}, 'unlearnable')
  }
  const photo = g.input('x', 'float32', layout === 'NHWC' ? ['N', side, side, 3] : ['N', 3, side, side])
  const upright = layout === 'NHWC' ? g.op('Transpose', [photo], { perm: [0, 3, 1, 2] }) : photo
  let x = conv(upright, 3, 8, stride, 'first')
  if (withoutGradient === 'before') x = noGradient(x, 8)
  x = g.op('Relu', [x], {}, 'early')
  x = conv(x, 8, 8, 1, 'second')
  x = g.op('Relu', [x], {}, 'late')
  if (end === 'map') {
    g.output(x, 'answer')
    return g.build()
  }
  // What the colour is, is left to the average of the photo: the random layers before carry it through.
  const pooled = g.op('Flatten', [g.op('GlobalAveragePool', [x])], { axis: 1 })
  const product = g.op('Gemm', [pooled, weights(8, 4)], {}, 'logits')
  const logits = withoutGradient === 'last' ? g.op('Elu', [product], {}, 'unlearnable') : product
  const answer = {
    logits: () => logits,
    softmax: () => g.op('Softmax', [logits], { axis: 1 }),
    sigmoid: () => g.op('Sigmoid', [logits]),
    nan: () => g.op('Log', [g.op('Sub', [g.op('Abs', [logits]), g.scalar(1e6)])]),
  }[end]()
  g.output(answer, 'answer', 'float32', ['N', 4])
  return g.build()
}

/** Noisy photos in the four tints, of different sizes. */
export async function writePhotos(folder: string, count: number): Promise<void> {
  for (let seed = 0; seed < count; seed++) {
    const random = seededRandom(seed)
    const [width, height] = [26 + random.below(20), 26 + random.below(20)]
    const tint = tints[seed % tints.length]!
    const pixels = Uint8Array.from(
      { length: width * height * 3 },
      (_, i) => 110 * tint[i % 3]! + random.below(146),
    )
    await sharp(pixels, { raw: { width, height, channels: 3 } })
      .png()
      .toFile(join(folder, `${String(seed).padStart(3, '0')}.png`))
  }
}
