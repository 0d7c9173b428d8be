import { elementCount, type GraphBuilder, intAttribute, type Node } from '../onnx/index.ts'
import { patches, windowOf } from './rules/window.ts'
import { Tape, type TapeSource } from './tape.ts'

/**
 * What all windows see together may be this large. A convolution within it took half the time as one matrix product over
 * patches that its kernel's gradient needs anyway; beyond, they fall out of the cache and Conv is as fast (measured, ONNX
 * Runtime 1.30).
 */
const LARGEST_PATCHES = 4 * 2 ** 20
const FLOAT_BYTES = 4

/**
 * Writes a convolution with a trained kernel as one matrix product where that is faster. Returns the name of its patches
 * for the kernel's gradient to use again, or undefined when nothing was written.
 */
export function writeAsProduct(
  builder: GraphBuilder,
  node: Node,
  source: Omit<TapeSource, 'builder' | 'needsGradient'>,
  trained: ReadonlySet<string>,
): string | undefined {
  const [x, kernel, bias] = node.inputs as [string, string, string | undefined]
  if (node.op !== 'Conv' || node.domain !== '' || !trained.has(kernel)) return undefined
  const tape = new Tape({ ...source, builder, needsGradient: () => true })
  const [input, [outputs, channels, ...size], output] = [
    tape.dims(x),
    tape.dims(kernel) as [number, number, ...number[]],
    tape.dims(node.outputs[0]!),
  ]
  if (intAttribute(node, 'group', 1) !== 1 || input.length !== 4 || elementCount(size) === 1) return undefined
  const [batch, , rows, columns] = output as [number, number, number, number]
  const seenByOne = channels * elementCount(size)
  if (batch * rows * columns * seenByOne * FLOAT_BYTES > LARGEST_PATCHES) return undefined
  const window = windowOf(tape, node, size, input, output)
  const seen = patches(tape, x, input, window, output, 1)
  const channelsLast = tape.reshape(tape.transpose(kernel, [0, 2, 3, 1]), [outputs, seenByOne])
  const product = tape.op('Gemm', [seen, channelsLast, ...(bias ? [bias] : [])], { transB: 1 })
  const image = tape.reshape(product, [batch, rows, columns, outputs])
  builder.op('Transpose', [image], { perm: [0, 3, 1, 2] }, node.outputs[0])
  return seen
}
