import { IsthmusError } from '@isthmus/proto'

/** The errors of this room: when each happens, and whether the same call may succeed when it is repeated. */
export const bottleneckErrors = {
  CANNOT_BOTTLENECK: {
    when: 'a teacher, or a place to cut it, is of a kind that no bottleneck fits',
    retryable: false,
  },
  NO_GRADIENT: {
    when: 'an operator behind the cut has no gradient; cuts behind it are named',
    retryable: false,
  },
  NOT_A_CLASSIFIER: { when: 'the answers of a teacher are not one number for each class', retryable: false },
  TOO_FEW_PHOTOS: {
    when: 'there are not photos enough to train on some and to measure on others',
    retryable: false,
  },
  WORK_UNWRITABLE: { when: 'the folder of a run cannot be written, or is full', retryable: true },
  WORK_MISMATCH: { when: 'the folder of a run belongs to another run, or is damaged', retryable: false },
} as const

export type BottleneckErrorCode = keyof typeof bottleneckErrors

/** An `IsthmusError` of this room. */
export const bottleneckError = (code: BottleneckErrorCode, message: string, cause?: unknown): IsthmusError =>
  new IsthmusError(code, message, {
    retryable: bottleneckErrors[code].retryable,
    ...(cause === undefined ? {} : { cause }),
  })
