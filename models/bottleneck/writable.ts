import { bottleneckError } from './errors.ts'

/** Runs what writes to `path`; whatever the system says then is WORK_UNWRITABLE, with what to do about it. Errors of our own pass. */
export async function writable<T>(path: string, hint: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write()
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error
    throw bottleneckError('WORK_UNWRITABLE', `${path} cannot be written: ${error.message}. ${hint}`, error)
  }
}

/** For the folder of a run. */
export const workHint = 'Make room, or name another folder with --work; the same command then goes on.'

/** For what a run makes: the training itself is kept. */
export const outHint =
  'Make room, or name another folder with --out; the same command then goes on where the training ended.'
