import { STOP_GRADIENT } from '@isthmus/models/autodiff'
import type { GraphBuilder } from '@isthmus/models/onnx'

/** The value, with no gradient through it. */
export const fixed = (g: GraphBuilder, value: string): string =>
  g.op('Identity', [value], {}, g.fresh(STOP_GRADIENT))
