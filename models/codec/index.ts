export { packBits, unpackBits } from './bits.ts'
export { dequantize, type Quantized, quantize } from './codec.ts'
export { type AffineRange, packedBytes, type Quantizer } from './quantizer.ts'
