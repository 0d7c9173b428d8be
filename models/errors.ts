import { IsthmusError } from '@isthmus/proto'

/**
 * Every error that `@isthmus/models` throws on purpose: its code, what to do next, and whether the same call
 * may succeed when it is repeated unchanged. Rooms add their rows here; there is no other table.
 */
export const modelErrors = {
  // runtime
  BAD_OPTION: { retryable: false, hint: 'Correct the option that is named.' },
  MODEL_UNREADABLE: {
    retryable: false,
    hint: 'Check that the file is a complete ONNX model of a supported opset (isthmus-models inspect FILE).',
  },
  BAD_FEED: { retryable: false, hint: "Compare the tensor with the session's `inputs`." },
  RUN_FAILED: { retryable: false, hint: 'The model refused these inputs; the runtime gave the reason.' },
  SESSION_CLOSED: { retryable: false, hint: 'Open a new session; this one has been disposed of.' },
  WORKER_DIED: { retryable: true, hint: 'Open a new session: the thread that ran the model has ended.' },
  RUNTIME_UNAVAILABLE: {
    retryable: false,
    hint: 'Serve the .wasm file of onnxruntime-web beside the page and give its address as `wasmUrl`.',
  },
  // codec
  BAD_QUANTIZER: {
    retryable: false,
    hint: 'Use 1 to 8 bits or 16, a positive finite scale and a zero point in range.',
  },
  NOT_FINITE: {
    retryable: false,
    hint: 'The tensor holds NaN or an infinity: check the input and the model.',
  },
  BAD_PAYLOAD: { retryable: false, hint: 'The packed bytes do not fit the declared count and bits.' },
  // gates
  TOO_FEW_EXAMPLES: {
    retryable: false,
    hint: 'Measure on more frames, of every kind that the figure is about.',
  },
  // bundle
  BAD_MANIFEST: { retryable: false, hint: 'Correct manifest.json at the path that is named.' },
  BUNDLE_UNREADABLE: {
    retryable: false,
    hint: 'Check that the folder exists, is readable and holds manifest.json.',
  },
  BUNDLE_FILE_MISSING: { retryable: false, hint: 'Copy the bundle again: it is not complete.' },
  BUNDLE_FILE_CHANGED: {
    retryable: false,
    hint: 'Copy the bundle again: the file is not the one that the manifest names.',
  },
  BUNDLE_NO_MODEL: {
    retryable: false,
    hint: 'Load the bundle with that model, or use a bundle that holds it.',
  },
  BUNDLE_EXISTS: { retryable: false, hint: 'Choose another folder.' },
  // train
  CHECKPOINT_UNREADABLE: { retryable: false, hint: 'Delete the file to start over.' },
  CHECKPOINT_UNWRITABLE: {
    retryable: true,
    hint: 'Make room, or make the folder writable, and run the same command again.',
  },
  TRAINING_DIVERGED: { retryable: false, hint: 'Lower the learning rate, or check the data for NaN.' },
  TRAINING_STOPPED: { retryable: true, hint: 'Run the same command again to go on from the checkpoint.' },
  TRAINING_FAILED: { retryable: false, hint: 'The message says what went wrong in the training thread.' },
} as const satisfies Record<string, { retryable: boolean; hint: string }>

export type ModelErrorCode = keyof typeof modelErrors

/** An error of the table: `detail` says what was wrong here, the table's hint says what to do next. */
export const modelError = (code: ModelErrorCode, detail: string, cause?: unknown): IsthmusError =>
  new IsthmusError(code, `${detail} ${modelErrors[code].hint}`, {
    retryable: modelErrors[code].retryable,
    ...(cause === undefined ? {} : { cause }),
  })
