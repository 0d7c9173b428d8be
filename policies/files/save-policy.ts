import { createHash } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type PolicyManifest,
  type PolicyNetwork,
  parsePolicyManifest,
  policyModel,
  type SeenRange,
} from '../gmorl/index.ts'
import { put } from './folder-files.ts'

/** A trained policy and what is to be known of it. */
export interface FinishedPolicy {
  readonly name: string
  readonly network: PolicyNetwork
  /** Versions of the encoding and of the observations that it reads. */
  readonly encoding: { readonly version: string; readonly observationVersion: string }
  readonly objectives: readonly string[]
  readonly seen: SeenRange
  readonly training: PolicyManifest['training']
}

const MODEL = 'policy.onnx'

/**
 * Writes `policy.onnx` and `manifest.json` into a folder, which is made where it is missing. Returns the manifest. Throws
 * IsthmusError `BAD_POLICY` for what no manifest can say, and the system's error where nothing can be written.
 */
export async function savePolicy(folder: string, policy: FinishedPolicy): Promise<PolicyManifest> {
  const model = policyModel(policy.network)
  const { version, observationVersion } = policy.encoding
  const manifest = parsePolicyManifest({
    format: 'isthmus-policy/1',
    name: policy.name,
    encoding: version,
    observation: observationVersion,
    objectives: [...policy.objectives],
    shape: policy.network.shape,
    model: { file: MODEL, sha256: createHash('sha256').update(model).digest('hex') },
    seen: policy.seen,
    training: policy.training,
  })
  await mkdir(folder, { recursive: true })
  await put(join(folder, MODEL), model)
  await put(join(folder, 'manifest.json'), `${JSON.stringify(manifest, undefined, 2)}\n`)
  return manifest
}
