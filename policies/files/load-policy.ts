import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { policyError } from '../errors.ts'
import {
  type CandidateEncoding,
  checkShape,
  encodingOf,
  networkOf,
  type PolicyManifest,
  type PolicyNetwork,
  parsePolicyManifest,
} from '../gmorl/index.ts'
import { bytesOf, manifestOf } from './folder-files.ts'

/** A policy as it lies in its folder. */
export interface PolicyFolder {
  readonly manifest: PolicyManifest
  readonly network: PolicyNetwork
  /** What makes the network's numbers from observations. */
  readonly encoding: CandidateEncoding<never>
}

/**
 * Reads what `isthmus-policies train` wrote.
 *
 * @throws IsthmusError `POLICY_UNREADABLE` for a folder or file that is missing, `BAD_POLICY` for a manifest or model that is
 *   not of its form, `POLICY_CHANGED` for a model of another hash, `POLICY_VERSION` for an encoding that this Isthmus has not
 */
export async function loadPolicy(folder: string): Promise<PolicyFolder> {
  const manifest = parsePolicyManifest(await manifestOf(folder))
  const encoding = encodingOf(manifest.encoding)
  checkShape(encoding, manifest.shape)
  checkSight(manifest, encoding)
  const { file, sha256 } = manifest.model
  const model = await bytesOf(folder, file)
  const found = createHash('sha256').update(model).digest('hex')
  if (found !== sha256) {
    throw policyError(
      'POLICY_CHANGED',
      `${join(folder, file)} has SHA-256 ${found}, its manifest says ${sha256}`,
    )
  }
  return { manifest, network: networkOf(model, manifest.shape), encoding }
}

/** The manifest's observation and objectives are those that its encoding reads. */
function checkSight(
  { observation, objectives, encoding: version }: PolicyManifest,
  encoding: CandidateEncoding<never>,
): void {
  const bad = (what: string) => policyError('BAD_POLICY', `manifest: ${what}`)
  if (observation !== encoding.observationVersion) {
    throw bad(`observation is ${observation}, but ${version} reads ${encoding.observationVersion}`)
  }
  if (objectives.length !== encoding.objectives) {
    throw bad(`objectives: there are ${objectives.length}, but ${version} has ${encoding.objectives}`)
  }
}
