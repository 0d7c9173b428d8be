// What a device needs of adaptation: nothing here loads what trains.
export { type NormLayer, type NormLayout, normLayoutOf } from './norm-layers.ts'
export {
  copyNormParameters,
  type NormParameters,
  readNormParameters,
  withNormParameters,
} from './norm-parameters.ts'
export { plainWeights } from './plain-weights.ts'
