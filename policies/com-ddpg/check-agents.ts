import { policyError } from '../errors.ts'
import { actorDims, lengthOf } from './actor-shape.ts'
import type { AgentsNetwork } from './agents-network.ts'

/** Throws IsthmusError `BAD_POLICY` that names a weight which is missing, of another length, or not finite. */
export function checkAgents({ shape, weights }: AgentsNetwork): void {
  const bad = (name: string, what: string) => policyError('BAD_POLICY', `agents: weight ${name} ${what}`)
  for (const [name, dims] of Object.entries(actorDims(shape))) {
    const values = weights.get(name)
    const wanted = lengthOf(dims)
    if (values?.length !== wanted) throw bad(name, `has ${values?.length ?? 'no'} numbers, not ${wanted}`)
    if (!values.every(Number.isFinite)) throw bad(name, 'is not finite')
  }
}
