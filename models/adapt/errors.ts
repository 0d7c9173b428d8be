import { IsthmusError } from '@isthmus/proto'

/** Errors of adaptation: when each happens and what to do about it. */
export const adaptErrors = {
  NO_NORMALISATION: {
    retryable: false,
    text: 'when a network has no BatchNormalization with constant parameters: put them back with `unfoldBatchNorm`',
  },
  NORM_MISMATCH: {
    retryable: false,
    text: 'when parameters do not fit the layers of a network: take those of the same base network',
  },
  NORM_NOT_FINITE: {
    retryable: false,
    text: 'when a scale, shift or mean is no number or a variance is not positive: keep the last good parameters',
  },
  NO_FISHER: {
    retryable: false,
    text: 'when a method that holds fast what mattered is not told what did: give a `FisherInformation`, or take `eta`',
  },
  ADAPTATION_DIVERGED: {
    retryable: false,
    text: 'when a step of an adaptation gives no number: reset the adapter, and lower its rate',
  },
} as const

export type AdaptErrorCode = keyof typeof adaptErrors

export const adaptError = (code: AdaptErrorCode, detail: string): IsthmusError =>
  new IsthmusError(code, `${detail} (${code}: ${adaptErrors[code].text}.)`, {
    retryable: adaptErrors[code].retryable,
  })
