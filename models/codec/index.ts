export { packBits, unpackBits } from './bits.ts'
export { dequantize, type Quantized, quantize } from './codec.ts'
export { entropyQuantizer } from './entropy-tables.ts'
export { FREQUENCY_BITS, type FrequencyTable, frequencyTable, symbolBits } from './frequency-table.ts'
export { ContextModel, contextsOf, type Neighbours } from './neighbours.ts'
export {
  type AffineRange,
  channelsOf,
  type EntropyQuantizer,
  packedBytes,
  payloadLimits,
  type Quantizer,
} from './quantizer.ts'
export { RansCoder } from './rans.ts'
