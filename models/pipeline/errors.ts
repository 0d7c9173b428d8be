import { IsthmusError } from '@isthmus/proto'

/** Every error that is thrown about a pipeline, and what to do next. All come before anything of it runs; none goes away by trying again. */
export const pipelineErrors = {
  BAD_PIPELINE: 'Correct pipeline.json at the path that is named.',
  PIPELINE_CYCLE: 'Take one of the named inputs out: a stage cannot wait for itself.',
  PIPELINE_UNKNOWN_STAGE: 'Add the stage that is named, or correct the name.',
  PIPELINE_UNKNOWN_TENSOR: 'Use an output that the stage has, or an input that the pipeline has.',
  PIPELINE_MISMATCH:
    'Make the element type and dims of both sides agree, with a stage between them if need be.',
  PIPELINE_NOT_SEALED: 'Run `isthmus-models pipeline FOLDER`, here and whenever a model of it has changed.',
  PIPELINE_UNREADABLE: 'Check that the folder exists, is readable and holds pipeline.json.',
  PIPELINE_FILE_MISSING: 'Copy the pipeline again: it is not complete.',
  PIPELINE_FILE_CHANGED: 'Copy the pipeline again, or seal it with `isthmus-models pipeline FOLDER`.',
} as const

export type PipelineErrorCode = keyof typeof pipelineErrors

/** An error of the table: `detail` says what was wrong here, the table's hint says what to do next. */
export const pipelineError = (code: PipelineErrorCode, detail: string, cause?: unknown): IsthmusError =>
  new IsthmusError(code, `${detail} ${pipelineErrors[code]}`, cause === undefined ? {} : { cause })
