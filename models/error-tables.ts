import { adaptErrors } from './adapt/errors.ts'
import { autodiffErrors } from './autodiff/errors.ts'
import { bottleneckErrors } from './bottleneck/errors.ts'
import { dataErrors } from './data/errors.ts'
import { modelErrors } from './errors.ts'
import { graphErrors } from './onnx/errors.ts'
import { packErrors } from './pack/errors.ts'
import { patchErrors } from './patch/errors.ts'
import { pipelineErrors } from './pipeline/errors.ts'

/** What is known of an error: when it happens or what to do about it, and whether the same call may succeed later. */
export interface ErrorEntry {
  readonly retryable: boolean
  readonly text: string
}

const entries = <Row>(table: Readonly<Record<string, Row>>, entry: (row: Row) => ErrorEntry) =>
  Object.entries(table).map(([code, row]) => [code, entry(row)] as const)

/** Every error that this package throws on purpose, by room and code. docs/errors.md shows it. */
export const errorTables: Readonly<Record<string, readonly (readonly [string, ErrorEntry])[]>> = {
  'models/onnx': entries(graphErrors, (when) => ({ retryable: false, text: `when ${when}` })),
  'models/autodiff': entries(autodiffErrors, (when) => ({ retryable: false, text: `when ${when}` })),
  'models/pack': entries(packErrors, (when) => ({ retryable: false, text: `when ${when}` })),
  'models/bottleneck': entries(bottleneckErrors, ({ when, retryable }) => ({
    retryable,
    text: `when ${when}`,
  })),
  'models/data': entries(dataErrors, ({ when, retryable }) => ({ retryable, text: `when ${when}` })),
  'models/adapt': entries(adaptErrors, ({ text, retryable }) => ({ retryable, text })),
  'models/patch': entries(patchErrors, ({ text, retryable }) => ({ retryable, text })),
  'models/pipeline': entries(pipelineErrors, (text) => ({ retryable: false, text })),
  'models/runtime, codec, gates, bundle, train': entries(modelErrors, ({ hint, retryable }) => ({
    retryable,
    text: hint,
  })),
}
