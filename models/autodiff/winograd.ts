import {
  type ConstantTensor,
  float32Tensor,
  type GraphBuilder,
  intAttribute,
  type Node,
} from '../onnx/index.ts'
import { windowOf } from './rules/window.ts'
import { Tape, type TapeSource } from './tape.ts'

/**
 * 3×3 convolutions by Winograd's minimal filtering F(4×4, 3×3) (Lavin and Gray, "Fast Algorithms for Convolutional Neural
 * Networks", arXiv 1509.09308): tiles of 4×4 outputs, each from 6×6 inputs, so that 36 products take the place of 144.
 * Every product is a matrix over channels, [36, tiles, C] · [36, C, O]; the transforms are products with constants.
 */
const TILE = 4
const SIDE = 6
const POINTS = SIDE * SIDE

/** The transforms of one axis: of the input Bᵀ [6,6], of the kernel G [6,3], of the output Aᵀ [4,6]. */
const inputAxis = [
  [4, 0, -5, 0, 1, 0],
  [0, -4, -4, 1, 1, 0],
  [0, 4, -4, -1, 1, 0],
  [0, -2, -1, 2, 1, 0],
  [0, 2, -1, -2, 1, 0],
  [0, 4, 0, -5, 0, 1],
]
const kernelAxis = [
  [1 / 4, 0, 0],
  [-1 / 6, -1 / 6, -1 / 6],
  [-1 / 6, 1 / 6, -1 / 6],
  [1 / 24, 1 / 12, 1 / 6],
  [1 / 24, -1 / 12, 1 / 6],
  [0, 0, 1],
]
const outputAxis = [
  [1, 1, 1, 1, 1, 0],
  [0, 1, -1, 2, -2, 0],
  [0, 1, 1, 4, 4, 0],
  [0, 1, -1, 8, -8, 1],
]

/** A transform of both axes as one matrix: the Kronecker product of `axis` with itself, transposed on demand. */
function bothAxes(axis: readonly (readonly number[])[], transposed = false): ConstantTensor {
  const [rows, columns] = [axis.length, axis[0]!.length]
  const dims = [rows ** 2, columns ** 2] as [number, number]
  const values = new Float32Array(dims[0] * dims[1])
  for (let row = 0; row < dims[0]; row++) {
    for (let column = 0; column < dims[1]; column++) {
      const down = axis[Math.floor(row / rows)]![Math.floor(column / columns)]!
      const value = down * axis[row % rows]![column % columns]!
      values[transposed ? column * dims[0] + row : row * dims[1] + column] = value
    }
  }
  return float32Tensor(values, transposed ? [dims[1], dims[0]] : dims)
}

/**
 * With fewer channels on either side the transforms cost about what they save. A step of 24 channels took 0.7 of the time
 * of Conv and its gradients, of 64 channels 0.6 to 0.75 (measured, one thread, ONNX Runtime 1.30).
 */
const LEAST_CHANNELS = 24

/** Whether a convolution is one of those that Winograd's tiles fit: 3×3, stride 1, one zero on every side, many channels. */
function fitsTiles(
  tape: Tape,
  node: Node,
  input: readonly number[],
  kernel: readonly number[],
  output: readonly number[],
): boolean {
  if (node.op !== 'Conv' || node.domain !== '' || input.length !== 4) return false
  if (tape.dtype(node.outputs[0]!) !== 'float32') return false
  if (intAttribute(node, 'group', 1) !== 1 || kernel[2] !== 3 || kernel[3] !== 3) return false
  if (Math.min(kernel[0]!, kernel[1]!) < LEAST_CHANNELS) return false
  const { strides, dilations, before, after } = windowOf(tape, node, kernel.slice(2), input, output)
  return [...strides, ...dilations, ...before, ...after].every((value) => value === 1)
}

/** Tiles down and across an image of [N,C,H,W]. */
const tilesOver = (dims: readonly number[]): [number, number] => [
  Math.ceil(dims[2]! / TILE),
  Math.ceil(dims[3]! / TILE),
]

/**
 * Cuts [N,C,H,W] into tiles `side` wide that begin TILE apart, `before` pixels outside the image first, and transforms
 * each by `transform` [to, side²]: [to, N·tiles, C]. Channels last, so that one Gather copies whole runs of them.
 */
function transformedTiles(
  tape: Tape,
  value: string,
  dims: readonly number[],
  side: number,
  before: number,
  transform: ConstantTensor,
): string {
  const [batch, channels, height, width] = dims as [number, number, number, number]
  const [down, across] = tilesOver(dims)
  const [rows, columns] = [down, across].map((tiles) => (tiles - 1) * TILE + side) as [number, number]
  const last = tape.transpose(value, [0, 2, 3, 1])
  const ends = [rows - height - before, columns - width - before]
  const padded = tape.pad(last, [0, before, before, 0, 0, ...ends, 0])
  const places = new Int32Array(side * side * batch * down * across)
  let at = 0
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      for (let image = 0; image < batch; image++) {
        for (let tileRow = 0; tileRow < down; tileRow++) {
          for (let tileColumn = 0; tileColumn < across; tileColumn++) {
            places[at++] = (image * rows + tileRow * TILE + y) * columns + tileColumn * TILE + x
          }
        }
      }
    }
  }
  const pixels = tape.reshape(padded, [batch * rows * columns, channels])
  const tiles = tape.op('Gather', [pixels, indices(tape, places)], { axis: 0 })
  const points = tape.reshape(tiles, [side * side, batch * down * across * channels])
  const product = tape.op('MatMul', [tape.builder.constant(transform), points])
  return tape.reshape(product, [transform.dims[0]!, batch * down * across, channels])
}

const indices = (tape: Tape, places: Int32Array): string =>
  tape.builder.constant({ dtype: 'int32', dims: [places.length], bytes: new Uint8Array(places.buffer) })

/** Products [36, N·tiles, C] back to an image of shape `dims`, [N,C,H,W]. */
function imageOf(tape: Tape, products: string, dims: readonly number[]): string {
  const [batch, channels, height, width] = dims as [number, number, number, number]
  const [down, across] = tilesOver(dims)
  const tiles = batch * down * across
  const flat = tape.reshape(products, [POINTS, tiles * channels])
  const transformed = tape.op('MatMul', [tape.builder.constant(bothAxes(outputAxis)), flat])
  const places = new Int32Array(batch * height * width)
  let at = 0
  for (let image = 0; image < batch; image++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const tile = (image * down + Math.floor(y / TILE)) * across + Math.floor(x / TILE)
        places[at++] = ((y % TILE) * TILE + (x % TILE)) * tiles + tile
      }
    }
  }
  const pixels = tape.op(
    'Gather',
    [tape.reshape(transformed, [TILE * TILE * tiles, channels]), indices(tape, places)],
    {
      axis: 0,
    },
  )
  return tape.transpose(tape.reshape(pixels, [batch, height, width, channels]), [0, 3, 1, 2])
}

/** [36, N·tiles, C] of an image that a kernel will slide over. */
const inputTiles = (tape: Tape, value: string, dims: readonly number[]): string =>
  transformedTiles(tape, value, dims, SIDE, 1, bothAxes(inputAxis))

/** A kernel with its taps first, [3,3,C,O], as [36,C,O]. */
function kernelPoints(tape: Tape, tapsFirst: string, channels: number, outputs: number): string {
  const taps = tape.reshape(tapsFirst, [9, channels * outputs])
  const product = tape.op('MatMul', [tape.builder.constant(bothAxes(kernelAxis)), taps])
  return tape.reshape(product, [POINTS, channels, outputs])
}

/**
 * Writes a convolution by tiles where they fit. Returns the name of its transformed input for the kernel's gradient to use
 * again, or undefined when nothing was written.
 */
export function writeByTiles(
  builder: GraphBuilder,
  node: Node,
  source: Omit<TapeSource, 'builder' | 'needsGradient'>,
): string | undefined {
  if (node.op !== 'Conv') return undefined
  const tape = new Tape({ ...source, builder, needsGradient: () => true })
  const [x, kernel, bias] = node.inputs as [string, string, string | undefined]
  const [input, kernelDims, output] = [tape.dims(x), tape.dims(kernel), tape.dims(node.outputs[0]!)]
  if (!fitsTiles(tape, node, input, kernelDims, output)) return undefined
  const [outputs, channels] = kernelDims as [number, number]
  const tiles = inputTiles(tape, x, input)
  const points = kernelPoints(tape, tape.transpose(kernel, [2, 3, 1, 0]), channels, outputs)
  const image = imageOf(tape, tape.op('MatMul', [tiles, points]), output)
  if (bias) builder.op('Add', [image, tape.reshape(bias, [1, outputs, 1, 1])], {}, node.outputs[0])
  else builder.op('Identity', [image], {}, node.outputs[0])
  return tiles
}

/** Gradient by the input, [N,C,H,W]: the same kind of convolution, of `dy` with the kernel turned round. */
export function inputGradientByTiles(
  tape: Tape,
  dy: string,
  kernel: string,
  kernelDims: readonly number[],
  input: readonly number[],
  output: readonly number[],
): string {
  const [outputs, channels] = kernelDims as [number, number]
  const turned = tape.slice(
    tape.transpose(kernel, [2, 3, 0, 1]),
    [-1, -1],
    [-10_000, -10_000],
    [0, 1],
    [-1, -1],
  )
  const points = kernelPoints(tape, turned, outputs, channels)
  return imageOf(tape, tape.op('MatMul', [inputTiles(tape, dy, output), points]), input)
}

/** Gradient by the kernel, [O,C,3,3], from the transformed input that {@link writeByTiles} has left. */
export function kernelGradientByTiles(
  tape: Tape,
  dy: string,
  tiles: string,
  kernelDims: readonly number[],
  output: readonly number[],
): string {
  const [outputs, channels] = kernelDims as [number, number]
  const products = transformedTiles(tape, dy, output, TILE, 0, bothAxes(outputAxis, true))
  const points = tape.op('MatMul', [tape.transpose(tiles, [0, 2, 1]), products])
  const flat = tape.reshape(points, [POINTS, channels * outputs])
  const taps = tape.op('MatMul', [tape.builder.constant(bothAxes(kernelAxis, true)), flat])
  return tape.transpose(tape.reshape(taps, [3, 3, channels, outputs]), [3, 2, 0, 1])
}
