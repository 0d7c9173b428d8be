export { type AttributeValue, float, GraphBuilder } from './builder.ts'
export { type CutComparison, compareCut, compareOutputs, type OpenSession } from './compare.ts'
export { multiplyAdds, parameterCount } from './count.ts'
export { type CutModel, cut } from './cut.ts'
export { type CutPoint, cutPoints } from './cut-points.ts'
export { bytesPerElement, type DType } from './dtype.ts'
export { type GraphErrorCode, graphErrors } from './errors.ts'
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
export { type CutCost, concreteInputs, inspectModel, type ModelReport, sensibleCuts } from './inspect.ts'
export { readModelFile, writeModelFile } from './model-files.ts'
export { readModel } from './read.ts'
export { seededFeeds } from './seeded-feeds.ts'
export { inferShapes, inferShapesPartly, type TensorType } from './shapes.ts'
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
