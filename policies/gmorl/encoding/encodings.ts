import { policyError } from '../../errors.ts'
import type { CandidateEncoding } from './candidate-encoding.ts'
import { mecCandidates } from './mec-candidates.ts'
import { splitCandidates } from './split-candidates.ts'

const encodings: readonly CandidateEncoding<never>[] = [mecCandidates, splitCandidates]

/** The encoding of that version. Throws IsthmusError `POLICY_VERSION` when this Isthmus has none. */
export function encodingOf(version: string): CandidateEncoding<never> {
  const encoding = encodings.find((one) => one.version === version)
  if (encoding) return encoding
  const known = encodings.map((one) => one.version).join(' and ')
  throw policyError('POLICY_VERSION', `encoding "${version}" is not known; this Isthmus has ${known}`)
}
