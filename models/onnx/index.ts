export { type AttributeValue, float, GraphBuilder } from './builder.ts'
export { bytesPerElement, type DType } from './dtype.ts'
export {
  type Attribute,
  type Dimension,
  describeNode,
  floatAttribute,
  type Graph,
  intAttribute,
  intsAttribute,
  type Model,
  type Node,
  stringAttribute,
  type ValueInfo,
} from './graph.ts'
export { readModel } from './read.ts'
export { inferShapes, type TensorType } from './shapes.ts'
export {
  byteLength,
  type ConstantTensor,
  type ExternalLocation,
  elementCount,
  float32Tensor,
  float32Values,
  int64Tensor,
  integerValues,
} from './tensor.ts'
export { writeModel } from './write.ts'
