import { expect, it } from 'vitest'
import { MecEnvironment, RandomStream, SplitEnvironment } from '../../env/index.ts'
import { mecCandidates } from '../encoding/mec-candidates.ts'
import { splitCandidates } from '../encoding/split-candidates.ts'
import { problemOf } from '../problems/index.ts'
import { LearnedPolicy } from './learned-policy.ts'
import { initialWeights, type SetNetworkShape } from './set-network.ts'

const shapeOf = ({ rowLength, contextLength }: { rowLength: number; contextLength: number }) => ({
  rowLength,
  contextLength,
  hidden: 4,
  outputs: 1,
})
const shape = shapeOf(mecCandidates)
const weightsOf = (of: SetNetworkShape) => initialWeights(of, new RandomStream(1), 1)
const refusal = (code: string, message: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) })

it.each<[string, RegExp, (weights: Map<string, Float32Array>) => void]>([
  ['NaN', /rows\.weight/, (weights) => weights.get('rows.weight')!.fill(Number.NaN, 3, 4)],
  ['too few', /second\.bias: 3 numbers/, (weights) => weights.set('second.bias', new Float32Array(3))],
  ['none', /output\.bias: no numbers/, (weights) => weights.delete('output.bias')],
])('refuses weights of which one layer has %s', (_, message, damage) => {
  const weights = weightsOf(shape)
  damage(weights)
  expect(() => new LearnedPolicy(mecCandidates, shape, weights)).toThrow(refusal('BAD_POLICY', message))
})

it.each<[RegExp, Partial<SetNetworkShape>]>([
  [/rowLength is 3/, { rowLength: 3 }],
  [/contextLength is 3/, { contextLength: 3 }],
  [/outputs is 3, but mec-candidates\/2 has 1 or 2/, { outputs: 3 }],
])('refuses a network of another shape: %s', (message, other) => {
  const wrong = { ...shape, ...other }
  expect(() => new LearnedPolicy(mecCandidates, wrong, weightsOf(wrong))).toThrow(
    refusal('BAD_POLICY', message),
  )
})

it('takes 256 candidates, and refuses more rather than pass some over', () => {
  const servers = new LearnedPolicy(mecCandidates, shape, weightsOf(shape))
  const { observation } = new MecEnvironment({ edges: 255 }).reset({ seed: 1 })
  expect(servers.act(observation, [0.5, 0.5])).toBeLessThan(256)
  const ofModes = shapeOf(splitCandidates)
  const modes = new LearnedPolicy(splitCandidates, ofModes, weightsOf(ofModes))
  const many = new SplitEnvironment({ servers: Array(40).fill({}) }).reset({ seed: 1 }).observation
  expect(() => modes.act(many, [0.5, 0.3, 0.2])).toThrow(refusal('BAD_OBSERVATION', /candidates: 641/))
})

it('decides nothing by an observation with NaN', () => {
  const policy = new LearnedPolicy(mecCandidates, shape, weightsOf(shape))
  const { observation } = new MecEnvironment({ edges: 3 }).reset({ seed: 1 })
  for (const change of [{ backlog: Number.NaN }, { taskBits: Number.NaN }, { meanTaskBits: Number.NaN }]) {
    expect(() => policy.act({ ...observation, ...change }, [0.5, 0.5])).toThrow(
      refusal('BAD_OBSERVATION', /not finite/),
    )
  }
  expect(() => policy.act(observation, [Number.NaN, 0.5])).toThrow(refusal('BAD_OBSERVATION', /not finite/))
})

it('trains on no more candidates than what is collected can count', () => {
  expect(problemOf({ env: 'mec', edges: [254], judged: [1] }).places).toBe(255)
  expect(() => problemOf({ env: 'mec', edges: [255], judged: [1] })).toThrow(
    refusal('BAD_OPTION', /mec: 256 candidates/),
  )
  expect(() => problemOf({ env: 'split', system: { servers: Array(40).fill({}) } })).toThrow(
    refusal('BAD_OPTION', /split: 641 candidates/),
  )
})
