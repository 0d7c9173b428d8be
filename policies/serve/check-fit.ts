import type { Environment } from '../env/environment.ts'
import { policyError } from '../errors.ts'
import { MOST_CANDIDATES } from '../gmorl/network/learned-policy.ts'

/** What a policy was made for; a policy's manifest has both. */
export interface MadeFor {
  readonly observation: string
  readonly objectives: readonly string[]
}

/**
 * Throws IsthmusError `BAD_POLICY` that names the field unless a policy can be served in `environment`: observations of its form,
 * its objectives in its order, no more actions than it takes. Say so before the first frame; a served policy only counts.
 */
export function checkFit(
  { observation, objectives }: MadeFor,
  environment: Pick<Environment<unknown>, 'name' | 'observationVersion' | 'rewardSpace' | 'actionCount'>,
): void {
  const { name, observationVersion, rewardSpace, actionCount } = environment
  const bad = (field: string, wants: string, has: string) =>
    policyError('BAD_POLICY', `${field}: the policy was made for ${wants}, ${name} has ${has}`)
  if (observation !== observationVersion) throw bad('observation', observation, observationVersion)
  const [wants, has] = [objectives.join(', '), rewardSpace.names.join(', ')]
  if (wants !== has) throw bad('objectives', wants, has)
  if (!(actionCount >= 1 && actionCount <= MOST_CANDIDATES)) {
    throw bad('actionCount', `1 to ${MOST_CANDIDATES} actions`, `${actionCount}`)
  }
}
