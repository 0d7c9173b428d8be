import { IsthmusError } from '@isthmus/proto'

/** The errors of this room: when each happens, and whether the same call may succeed later. */
export const dataErrors = {
  DATA_UNREACHABLE: {
    when: 'a data package is not in the cache and could not be downloaded',
    retryable: true,
  },
  DATA_CORRUPT: { when: 'a data package holds something else than what was pinned', retryable: false },
  CACHE_UNUSABLE: { when: 'the cache folder cannot be created, read or written', retryable: false },
  BAD_IMAGE: { when: 'bytes that should be an image cannot be decoded', retryable: false },
  IMAGE_TOO_LARGE: { when: 'an image declares more pixels than allowed', retryable: false },
  NO_IMAGES: { when: 'a folder of photos is missing, or holds none', retryable: false },
  BAD_OPTION: { when: 'an argument of this room is out of its range', retryable: false },
} as const

export type DataErrorCode = keyof typeof dataErrors

/** An `IsthmusError` of this room. */
export function dataError(code: DataErrorCode, message: string, cause?: unknown): IsthmusError {
  return new IsthmusError(code, message, { retryable: dataErrors[code].retryable, cause })
}

/** The message of anything that was thrown. */
export const reasonOf = (thrown: unknown): string =>
  thrown instanceof Error ? thrown.message : String(thrown)
