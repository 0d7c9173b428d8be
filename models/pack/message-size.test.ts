import { describe, expect, it } from 'vitest'
import type { CutCost } from '../onnx/inspect.ts'
import { checkMessageSize, MAX_PAYLOAD_BYTES } from './message-size.ts'

const cut = (tensor: string, values: number, dtype: CutCost['dtype'] = 'float32'): CutCost => ({
  tensor,
  op: 'Relu',
  dtype,
  dims: [1, values],
  headMacs: 0,
  headShare: 0.25,
  rawBytes: 4 * values,
  uint8Bytes: values,
})

describe('what fits into a message', () => {
  const wide = cut('wide', 2 * MAX_PAYLOAD_BYTES)
  const cuts = [cut('early', 10), wide, cut('counts', 10, 'int64'), cut('late', 1000)]

  it('is a payload of up to the limit', () => {
    expect(() => checkMessageSize(wide, cuts, [4])).not.toThrow()
    expect(() => checkMessageSize(cut('one more', 2 * MAX_PAYLOAD_BYTES + 1), cuts, [4])).toThrow()
  })

  it('is told with the next cut and the bits that fit', () => {
    expect(() => checkMessageSize(wide, cuts, [8, 4])).toThrow(
      /At "wide" .* with 8 bits.*next cut that fits is "late" \(1.0 kB, after 25.0 %.*--bits 4 would fit/,
    )
  })

  it('is told also when nothing later fits', () => {
    const last = cut('last', 100 * MAX_PAYLOAD_BYTES)
    expect(() => checkMessageSize(last, [...cuts, last], [16])).toThrow(/bottleneck must be trained/)
  })
})
