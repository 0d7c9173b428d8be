import type { Mode } from '../bundle/index.ts'
import { dequantize, quantize } from '../codec/index.ts'
import { elementCount } from '../onnx/index.ts'
import type { LabelledLatents } from './exit-training.ts'

export type SplitMode = Extract<Mode, { route: 'split' }>

/** Latents as a server gets them: coded and decoded, each by the next one of `modes`. */
export function receivedLatents(latents: LabelledLatents, modes: readonly SplitMode[]): LabelledLatents {
  const { values, dims, labels } = latents
  const size = elementCount(dims)
  const received = new Float32Array(values.length)
  for (let row = 0; row < labels.length; row++) {
    const { quantizer } = modes[row % modes.length]!
    const coded = quantize(values.subarray(row * size, (row + 1) * size), quantizer)
    received.set(dequantize(coded.packed, size, quantizer, coded), row * size)
  }
  return { ...latents, values: received }
}
