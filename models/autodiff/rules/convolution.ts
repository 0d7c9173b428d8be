import { intAttribute, stringAttribute } from '../../onnx/index.ts'
import { depthwiseGradientByProducts } from '../depthwise-gradient.ts'
import type { GradientRule, Tape } from '../tape.ts'
import { inputGradientByTiles, kernelGradientByTiles } from '../winograd.ts'
import { padForWindow, patches, taps, type Window, windowOf } from './window.ts'

/** Images up to so many columns wide: beyond, too many products of a depthwise kernel's gradient are of no use (reckoned; measured at 8 and 16 columns). */
const WIDEST_BY_PRODUCTS = 48

/**
 * Gradient by the kernel [O, C/g, kh, kw] of a convolution that maps `input` [N,C,H,W] to `output` [N,O,Ho,Wo]:
 * one matrix product over all positions. That beat one large Conv over transposed tensors by 1.7 to 2.5 in every
 * shape measured.
 */
function kernelGradient(
  tape: Tape,
  input: { value: string; dims: readonly number[] },
  output: { gradient: string; dims: readonly number[] },
  window: Window,
  groups: number,
  laidOut?: string,
): string {
  const [batch, channels] = input.dims as [number, number]
  const [, outputs, rows, columns] = output.dims as [number, number, number, number]
  const perGroup = channels / groups
  if (perGroup === 1 && outputs === groups) {
    return input.dims[3]! <= WIDEST_BY_PRODUCTS
      ? depthwiseGradientByProducts(tape, input, { value: output.gradient, dims: output.dims }, window)
      : depthwiseKernelGradient(tape, input.value, output, window)
  }
  const positions = batch * rows * columns
  const seen = laidOut ?? patches(tape, input.value, input.dims, window, output.dims, groups)
  const byChannel =
    groups === 1
      ? tape.transpose(output.gradient, [1, 0, 2, 3])
      : tape.transpose(
          tape.reshape(output.gradient, [batch, groups, outputs / groups, rows * columns]),
          [1, 2, 0, 3],
        )
  const lead = groups === 1 ? [] : [groups]
  const gradient = tape.reshape(byChannel, [...lead, outputs / groups, positions])
  const product = tape.op('MatMul', [gradient, seen])
  return tape.transpose(tape.reshape(product, [outputs, ...window.kernel, perGroup]), [0, 3, 1, 2])
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
  // Rows that no window reads come out as zeros, by the output padding.
  const pads = [...before, ...window.after.map((pad) => Math.max(0, pad))]
  const outputPadding = window.after.map((pad) => Math.max(0, -pad))
  return tape.op('ConvTranspose', [dy, kernel], {
    strides,
    dilations,
    group: groups,
    pads,
    output_padding: outputPadding,
  })
}

const conv: GradientRule = (tape, node, [dy]) => {
  if (dy === undefined) return []
  const [x, kernel, bias] = node.inputs as [string, string, string | undefined]
  const [input, kernelDims, output] = [tape.dims(x), tape.dims(kernel), tape.dims(node.outputs[0] as string)]
  const groups = intAttribute(node, 'group', 1)
  const biasGradient = tape.needs(bias) ? tape.sum(dy, [0, 2, 3], false) : undefined
  const tiles = tape.tiles(node)
  if (tiles !== undefined) {
    return [
      tape.needs(x) ? inputGradientByTiles(tape, dy, kernel, kernelDims, input, output) : undefined,
      tape.needs(kernel) ? kernelGradientByTiles(tape, dy, tiles, kernelDims, output) : undefined,
      biasGradient,
    ]
  }
  const window = windowOf(tape, node, kernelDims.slice(2), input, output)
  return [
    tape.needs(x) ? inputGradient(tape, dy, kernel, kernelDims, input, output, window, groups) : undefined,
    tape.needs(kernel)
      ? kernelGradient(
          tape,
          { value: x, dims: input },
          { gradient: dy, dims: output },
          window,
          groups,
          tape.patches(node),
        )
      : undefined,
    biasGradient,
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
