export { type PipelineErrorCode, pipelineErrors } from './errors.ts'
export { type LoadPipelineOptions, loadPipeline, type Pipeline } from './load.ts'
export {
  MAX_STAGES,
  type PipelineDraft,
  type PipelineManifest,
  type PipelineStage,
  parsePipeline,
} from './manifest.ts'
export { payloadBytesOf, payloadLayout, payloadParts, readPayload } from './payload.ts'
export { joinRows, MAX_DIVIDED_ROWS, rowsOf, type StageDivision, tensorOfRows } from './rows.ts'
export { StageModel } from './stage-model.ts'
export {
  allFinite,
  describeForm,
  type StageArray,
  type StageType,
  stageArrays,
  type TensorForm,
} from './tensor-form.ts'
export type { WiredStage, WiredTensor, Wiring } from './wiring.ts'
