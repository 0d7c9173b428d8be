import { IsthmusError } from '@isthmus/proto'

/** Every error that `@isthmus/device-sdk` throws on purpose, and what to do next. docs/device-sdk.md shows it. */
export const deviceErrors = {
  BAD_OPTIONS: { retryable: false, hint: 'Correct the option that is named.' },
  BAD_FRAME: {
    retryable: false,
    hint: "Give RGB pixels { data, width, height }, an encoded image { data, encoded: true }, or a float32 tensor of the bundle's input size.",
  },
  BAD_BUNDLE: { retryable: false, hint: 'Use a bundle whose manifest and models agree.' },
  BUNDLE_UNREACHABLE: {
    retryable: true,
    hint: "Serve the bundle's folder at the address given as `bundle`.",
  },
  BAD_INPUT: {
    retryable: false,
    hint: 'Give every input of the pipeline, and no others, as an array of its type and length.',
  },
  STAGE_UNAVAILABLE: {
    retryable: true,
    hint: 'This stage runs on servers only: start one that has it, or allow more time.',
  },
  UNKNOWN_MODE: { retryable: false, hint: "Use a route and mode of the bundle's mode table." },
  NO_ANSWER: {
    retryable: true,
    hint: 'The bundle holds no local model to fall back on: use one that does, or allow more time.',
  },
  LOCAL_FAILED: { retryable: true, hint: 'The local model could not be run; the cause says why.' },
  IMAGES_UNAVAILABLE: {
    retryable: false,
    hint: "Install 'sharp' beside the SDK, or give RGB pixels of the bundle's input size.",
  },
  NOT_ADAPTABLE: {
    retryable: false,
    hint: 'Use a bundle whose local network has BatchNormalization nodes, or leave adaptation.patchKey out.',
  },
  STATE_UNWRITABLE: { retryable: false, hint: 'Give a stateDir that this process may write to.' },
  CLOSED: { retryable: false, hint: 'Connect a new device; this one has been closed.' },
} as const satisfies Record<string, { retryable: boolean; hint: string }>

export type DeviceErrorCode = keyof typeof deviceErrors

/** An error of the table: `detail` says what was wrong here, the table's hint follows it. */
export function deviceError(code: DeviceErrorCode, detail: string, cause?: unknown): IsthmusError {
  const { hint, retryable } = deviceErrors[code]
  return new IsthmusError(code, `${detail} ${hint}`, { retryable, cause })
}
