import { intAttribute, stringAttribute } from '../../onnx/index.ts'
import type { GradientRule, Tape } from '../tape.ts'
import { padForWindow, taps, type Window, windowOf } from './window.ts'

/**
 * Gradient by the kernel [O, C/g, kh, kw] of a convolution that maps `input` [N,C,H,W] to `output` [N,O,Ho,Wo].
 * The input as seen by each tap is laid side by side, so that the gradient is one matrix product over all
 * positions. That beat one large Conv over transposed tensors by 1.4 to 1.8 in every shape measured.
 */
function kernelGradient(
  tape: Tape,
  input: { value: string; dims: readonly number[] },
  output: { gradient: string; dims: readonly number[] },
  window: Window,
  groups: number,
): string {
  const [batch, channels] = input.dims as [number, number]
  const [, outputs, rows, columns] = output.dims as [number, number, number, number]
  const [kernelRows, kernelColumns] = window.kernel as [number, number]
  const tapCount = kernelRows * kernelColumns
  const positions = batch * rows * columns
  const perGroup = channels / groups
  if (perGroup === 1 && outputs === groups) return depthwiseKernelGradient(tape, input.value, output, window)
  const byChannel = tape.transpose(padForWindow(tape, input.value, window), [1, 0, 2, 3])
  const seen = taps(tape, byChannel, window, output.dims)
  if (groups === 1) {
    const patches = tape.reshape(seen.length > 1 ? tape.op('Concat', seen, { axis: 0 }) : seen[0]!, [
      tapCount * channels,
      positions,
    ])
    const gradient = tape.reshape(tape.transpose(output.gradient, [0, 2, 3, 1]), [positions, outputs])
    const product = tape.reshape(tape.op('MatMul', [patches, gradient]), [
      kernelRows,
      kernelColumns,
      channels,
      outputs,
    ])
    return tape.transpose(product, [3, 2, 0, 1])
  }
  const perGroupOutputs = outputs / groups
  const stacked = seen.map((tap) => tape.reshape(tap, [groups, perGroup, positions]))
  const patches = stacked.length > 1 ? tape.op('Concat', stacked, { axis: 1 }) : stacked[0]!
  const grouped = tape.reshape(output.gradient, [batch, groups, perGroupOutputs, rows * columns])
  const gradient = tape.reshape(tape.transpose(grouped, [1, 0, 3, 2]), [groups, positions, perGroupOutputs])
  const product = tape.reshape(tape.op('MatMul', [patches, gradient]), [
    groups,
    kernelRows,
    kernelColumns,
    perGroup,
    perGroupOutputs,
  ])
  return tape.reshape(tape.transpose(product, [0, 4, 3, 1, 2]), [
    outputs,
    perGroup,
    kernelRows,
    kernelColumns,
  ])
}

/** One kernel per channel: each tap's gradient is a plain sum of products. */
function depthwiseKernelGradient(
  tape: Tape,
  input: string,
  output: { gradient: string; dims: readonly number[] },
  window: Window,
): string {
  const channels = output.dims[1]!
  const perTap = taps(tape, padForWindow(tape, input, window), window, output.dims).map((tap) =>
    tape.reshape(tape.sum(tape.mul(tap, output.gradient), [0, 2, 3], false), [channels, 1]),
  )
  const all = perTap.length > 1 ? tape.op('Concat', perTap, { axis: 1 }) : perTap[0]!
  return tape.reshape(all, [channels, 1, ...window.kernel])
}

const flipped = (tape: Tape, kernel: string): string =>
  tape.slice(kernel, [-1, -1], [-10_000, -10_000], [2, 3], [-1, -1])

/** Gradient by the input of a convolution: another convolution where its stride is 1, else a transposed one. */
function inputGradient(
  tape: Tape,
  dy: string,
  kernel: string,
  kernelDims: readonly number[],
  input: readonly number[],
  output: readonly number[],
  window: Window,
  groups: number,
): string {
  const { strides, dilations, before } = window
  const reach = [0, 1].map((axis) => (kernelDims[axis + 2]! - 1) * dilations[axis]!)
  const begins = before.map((pad, axis) => reach[axis]! - pad)
  const depthwise = groups > 1 && kernelDims[1] === 1 && kernelDims[0] === groups
  if (
    strides.every((stride) => stride === 1) &&
    begins.every((pad) => pad >= 0) &&
    (groups === 1 || depthwise)
  ) {
    const ends = begins.map((pad, axis) => input[axis + 2]! + reach[axis]! - output[axis + 2]! - pad)
    if (ends.every((pad) => pad >= 0)) {
      const pointwise = kernelDims[2] === 1 && kernelDims[3] === 1
      const turned = pointwise ? kernel : flipped(tape, kernel)
      const weights = depthwise ? turned : tape.transpose(turned, [1, 0, 2, 3])
      return tape.op('Conv', [dy, weights], { pads: [...begins, ...ends], dilations, group: groups })
    }
  }
  // The transposed convolution makes every row that some window reads; rows that none reads get zeros.
  const made = [0, 1].map((axis) => (output[axis + 2]! - 1) * strides[axis]! + reach[axis]! + 1)
  const full = tape.op('ConvTranspose', [dy, kernel], { strides, dilations, group: groups })
  const ends = made.map((size, axis) => input[axis + 2]! + before[axis]! - size)
  return tape.pad(full, [0, 0, ...before.map((pad) => -pad), 0, 0, ...ends])
}

const conv: GradientRule = (tape, node, [dy]) => {
  if (dy === undefined) return []
  const [x, kernel, bias] = node.inputs as [string, string, string | undefined]
  const [input, kernelDims, output] = [tape.dims(x), tape.dims(kernel), tape.dims(node.outputs[0] as string)]
  const groups = intAttribute(node, 'group', 1)
  const window = windowOf(tape, node, kernelDims.slice(2), input, output)
  return [
    tape.needs(x) ? inputGradient(tape, dy, kernel, kernelDims, input, output, window, groups) : undefined,
    tape.needs(kernel)
      ? kernelGradient(tape, { value: x, dims: input }, { gradient: dy, dims: output }, window, groups)
      : undefined,
    tape.needs(bias) ? tape.sum(dy, [0, 2, 3], false) : undefined,
  ]
}

/** A transposed convolution is the input gradient of a convolution, so its gradients are that convolution's. */
const convTranspose: GradientRule = (tape, node, [dy]) => {
  if (dy === undefined) return []
  const [x, kernel, bias] = node.inputs as [string, string, string | undefined]
  const [input, kernelDims, output] = [tape.dims(x), tape.dims(kernel), tape.dims(node.outputs[0] as string)]
  const groups = intAttribute(node, 'group', 1)
  const automatic = stringAttribute(node, 'auto_pad', 'NOTSET').startsWith('SAME')
  if (automatic || node.attributes.output_shape) {
    throw tape.unsupported(node, 'auto_pad and output_shape are not supported; state pads and output_padding')
  }
  const window = windowOf(tape, node, kernelDims.slice(2), output, input)
  const { strides, dilations, before, after } = window
  const forward = (value: string, weights: string) => {
    const fits = [...before, ...after].every((pad) => pad >= 0)
    const source = fits ? value : padForWindow(tape, value, window)
    const pads = fits ? [...before, ...after] : [0, 0, 0, 0]
    return tape.op('Conv', [source, weights], { strides, dilations, group: groups, pads })
  }
  return [
    tape.needs(x) ? forward(dy, kernel) : undefined,
    tape.needs(kernel)
      ? kernelGradient(tape, { value: dy, dims: output }, { gradient: x, dims: input }, window, groups)
      : undefined,
    tape.needs(bias) ? tape.sum(dy, [0, 2, 3], false) : undefined,
  ]
}

/** Gradient rules of convolutions over [N,C,H,W]. */
export const convolutionRules: Record<string, GradientRule> = { Conv: conv, ConvTranspose: convTranspose }
