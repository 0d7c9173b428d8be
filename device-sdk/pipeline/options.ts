import { type StageArray, stageArrays, type WiredTensor, type Wiring } from '@isthmus/models/pipeline'
import type { AgentsNetwork } from '@isthmus/policies/com-ddpg'
import type { Planner, ScheduleWeights } from '@isthmus/policies/dag'
import type { PipelinePolicy, StageHost } from '@isthmus/policies/pipeline'
import { z } from 'zod'
import { deviceError } from '../errors.ts'
import { nearestKey } from '../nearest-key.ts'
import { checkAgainst, commonOptions, nodeOptions, withMethods } from '../options.ts'
import type { StageTensor } from './answer.ts'

const host = z.enum(['device', 'edge'])
const weight = z.number().min(0).max(1e6).optional()

const { id, site, broker, username, password, deadlineMs, power, credits, hedgeMarginMs } = commonOptions
const { waitForServerMs, probe, reconnect, transport, clock, onConnectionError } = commonOptions
const { stateDir, tls, threads } = nodeOptions.shape

const pipelineOptions = z.strictObject({
  ...{ id, site, broker, username, password, deadlineMs, power, credits, hedgeMarginMs },
  ...{ waitForServerMs, probe, reconnect, transport, clock, onConnectionError, stateDir, tls, threads },
  /** The pipeline's folder. */
  pipeline: z.string().min(1),
  /** Stage → where it is to run. Stages left out are placed by the policy. */
  placement: z.record(z.string(), host).default({}),
  /** What plans are scored by; default: latency only. Energy is worked out with `power`. */
  weights: z.strictObject({ latency: weight, energy: weight, imbalance: weight }).optional(),
  planner: withMethods<Planner>('planner', ['plan']).optional(),
  policy: withMethods<PipelinePolicy>('policy', ['place']).optional(),
  /** Trained agents that talk: the devices of a site that have the same decide together. */
  agents: z
    .custom<AgentsNetwork>(
      (value) => {
        const { shape, weights } = (value ?? {}) as Partial<AgentsNetwork>
        return typeof shape === 'object' && weights instanceof Map
      },
      { error: 'must be agents as they were loaded, { shape, weights }' },
    )
    .optional(),
  /** Messages to the other agents in a second, at most; the same on all devices of a site. */
  tellsPerSecond: z.number().min(1).max(100).default(20),
})

export type PipelineOptions = z.input<typeof pipelineOptions>
export type CheckedPipelineOptions = z.output<typeof pipelineOptions>

/** Checks options and fills in defaults. Throws BAD_OPTIONS naming each wrong one, and what an unknown one may mean. */
export function checkPipelineOptions(options: unknown): CheckedPipelineOptions {
  const checked = checkAgainst(pipelineOptions, options, 'connectPipeline')
  if (checked.agents && (checked.policy || checked.planner || checked.weights)) {
    const which = checked.policy ? 'policy' : checked.planner ? 'planner' : 'weights'
    throw deviceError('BAD_OPTIONS', `connectPipeline: ${which}: agents decide without it.`)
  }
  if (checked.policy && (checked.planner || checked.weights)) {
    const which = checked.planner ? 'planner' : 'weights'
    throw deviceError('BAD_OPTIONS', `connectPipeline: ${which}: a policy of your own decides without it.`)
  }
  return checked
}

/** What the weights of the options are to a planner. */
export const weightsOf = ({ weights }: CheckedPipelineOptions): ScheduleWeights | undefined =>
  weights &&
  (Object.fromEntries(Object.entries(weights).filter(([, value]) => value !== undefined)) as ScheduleWeights)

/** Hosts by stage number; undefined: to be placed. Throws BAD_OPTIONS for a stage or a host that there is not. */
export function fixedHosts(wiring: Wiring, placement: unknown): (StageHost | undefined)[] {
  if (typeof placement !== 'object' || placement === null) {
    throw deviceError(
      'BAD_OPTIONS',
      `placement must be an object of stages and hosts, got ${String(placement)}.`,
    )
  }
  const ids = wiring.stages.map((stage) => stage.id)
  for (const [stage, where] of Object.entries(placement)) {
    if (!ids.includes(stage)) {
      const nearest = nearestKey(stage, ids)
      const meant = nearest ? `, did you mean ${nearest}` : ''
      throw deviceError('BAD_OPTIONS', `placement.${stage}: the pipeline has no such stage${meant}.`)
    }
    if (where !== 'device' && where !== 'edge') {
      throw deviceError('BAD_OPTIONS', `placement.${stage} must be 'device' or 'edge', got ${String(where)}.`)
    }
    if (where === 'device' && wiring.stages[ids.indexOf(stage)]!.serverOnly) {
      throw deviceError('BAD_OPTIONS', `placement.${stage}: this stage runs on servers only.`)
    }
  }
  const hosts = placement as Readonly<Record<string, StageHost>>
  return ids.map((stage) => (Object.hasOwn(hosts, stage) ? hosts[stage] : undefined))
}

/** What a run is given: arrays, or tensors, by the names of the pipeline's inputs. */
export type PipelineInputs = Readonly<Record<string, StageArray | StageTensor>>

/** Arrays by tensor number. Throws BAD_INPUT naming the input. */
export function checkInputs(wiring: Wiring, inputs: PipelineInputs): StageArray[] {
  if (typeof inputs !== 'object' || inputs === null) {
    throw deviceError('BAD_INPUT', `A run takes an object of inputs, got ${String(inputs)}.`)
  }
  const stranger = Object.keys(inputs).find((name) => !wiring.inputs.some((input) => input.name === name))
  if (stranger !== undefined) throw deviceError('BAD_INPUT', `The pipeline has no input '${stranger}'.`)
  return wiring.inputs.map((input) => {
    const given = Object.hasOwn(inputs, input.name) ? inputs[input.name] : undefined
    if (given === undefined || given === null) {
      throw deviceError('BAD_INPUT', `Input '${input.name}' is missing.`)
    }
    return arrayOf(input, given)
  })
}

function arrayOf({ name, dtype, dims, count }: WiredTensor, given: StageArray | StageTensor): StageArray {
  const wanted = `${stageArrays[dtype].name} of ${count} elements, [${dims.join(', ')}]`
  const tensor = ArrayBuffer.isView(given) ? undefined : given
  const data = tensor ? tensor.data : (given as StageArray)
  if (tensor && (tensor.dtype !== dtype || `${tensor.dims}` !== `${dims}`)) {
    throw deviceError('BAD_INPUT', `Input '${name}' is ${tensor.dtype} [${tensor.dims}], not a ${wanted}.`)
  }
  if (data instanceof stageArrays[dtype] && data.length === count) return data
  const got = ArrayBuffer.isView(data) ? `${data.constructor.name} of ${data.length}` : typeof data
  throw deviceError('BAD_INPUT', `Input '${name}' must be a ${wanted}, got ${got}.`)
}
