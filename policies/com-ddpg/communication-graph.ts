import { float32Tensor, type GraphBuilder } from '@isthmus/models/onnx'
import { type ActorShape, DIRECTIONS, heardWidth } from './actor-shape.ts'

interface CommunicationSize {
  /** Rounds, of all sequences. */
  readonly many: number
  readonly agents: number
  readonly places: number
}

interface Messages {
  /** `[many, agents, places, message]` */
  readonly messages: string
  /** `[many, agents, 1, 1]`, and the same of who decides */
  readonly heard: string
  readonly decides: string
  /** `[many, agents, places, 1]` */
  readonly mayRun: string
}

/** What agents hear that do not talk: zeros. */
export function writeSilence(g: GraphBuilder, shape: ActorShape, dims: readonly number[]): string {
  const width = heardWidth(shape)
  const zeros = new Float32Array(dims.reduce((product, dim) => product * dim, width))
  return g.constant(float32Tensor(zeros, [...dims, width]))
}

/**
 * Writes a bidirectional recurrent layer across the agents: one state a place, a gated recurrent unit (Cho et al. 2014). At each
 * agent the layer guesses from its message, and from what was claimed before, which place the agent will claim; the sums of
 * claims, of messages, and of messages by their claims go along. What an agent hears is the state before it and the sums, from either side. Nobody
 * hears of another's own device.
 *
 * @returns value `[many, agents, places, 2·(heard + 1 + 2·message)]`
 */
export function writeBidirectional(
  g: GraphBuilder,
  prefix: string,
  shape: ActorShape,
  { many, agents, places }: CommunicationSize,
  { messages, heard, decides, mayRun }: Messages,
): string {
  const width = shape.heard
  const op = (name: string, ...inputs: string[]) => g.op(name, inputs)
  const at = (value: string, axis: number, from: number, to: number) =>
    op('Slice', value, g.ints([from]), g.ints([to]), g.ints([axis]))
  const zeros = (last: number) =>
    g.constant(float32Tensor(new Float32Array(many * places * last), [many, 1, places, last]))
  const servers = g.constant(
    float32Tensor(
      Float32Array.from({ length: places }, (_, place) => (place === 0 ? 0 : 1)),
      [1, 1, places, 1],
    ),
  )
  const away = op('Mul', op('Sub', mayRun, g.scalar(1)), g.scalar(1e9))
  const sides = DIRECTIONS.map((direction) => {
    const weight = (name: string) => `${prefix}.${direction}.${name}`
    const claim = weight('claim')
    const ofMessage = at(claim, 0, 0, shape.message)
    const ofState = at(claim, 0, shape.message, shape.message + width)
    const ofClaims = at(claim, 0, shape.message + width, shape.message + width + 1)
    const gatesIn = op('Add', op('MatMul', messages, weight('input')), weight('bias'))
    const claimsIn = op('Add', op('MatMul', messages, ofMessage), away)
    let state = zeros(width)
    let claimed = zeros(1)
    let sum = zeros(shape.message)
    let weighed = sum
    const told: string[] = new Array(agents)
    for (let turn = 0; turn < agents; turn++) {
      const agent = direction === 'forward' ? turn : agents - 1 - turn
      told[agent] = g.op('Concat', [state, claimed, sum, weighed], { axis: 3 })
      if (turn === agents - 1) break
      const counts = op('Mul', at(heard, 1, agent, agent + 1), servers)
      const logits = op(
        'Add',
        op('Add', at(claimsIn, 1, agent, agent + 1), op('MatMul', state, ofState)),
        op('Mul', claimed, ofClaims),
      )
      const own = op('Mul', g.op('Softmax', [logits], { axis: 2 }), at(decides, 1, agent, agent + 1))
      const both = g.op('Concat', [own, claimed], { axis: 3 })
      const input = op('Add', at(gatesIn, 1, agent, agent + 1), op('MatMul', both, weight('claimed')))
      const fromState = op('MatMul', state, weight('state'))
      const open = op('Sigmoid', op('Add', at(input, 3, 0, 2 * width), at(fromState, 3, 0, 2 * width)))
      const reset = at(open, 3, 0, width)
      const update = op('Mul', at(open, 3, width, 2 * width), counts)
      const candidate = op(
        'Tanh',
        op(
          'Add',
          at(input, 3, 2 * width, 3 * width),
          op('Mul', reset, at(fromState, 3, 2 * width, 3 * width)),
        ),
      )
      state = op('Add', state, op('Mul', update, op('Sub', candidate, state)))
      claimed = op('Add', claimed, op('Mul', own, counts))
      const message = op('Mul', at(messages, 1, agent, agent + 1), counts)
      sum = op('Add', sum, message)
      weighed = op('Add', weighed, op('Mul', message, own))
    }
    return g.op('Concat', told, { axis: 1 })
  })
  return g.op('Concat', sides, { axis: 3 })
}

/**
 * Writes attention across the agents instead (Vaswani et al. 2017, one head a place): what an agent hears is a mean of the
 * others' messages, weighed by how well they answer its own. Their order is of no consequence.
 *
 * @returns value `[many, agents, places, 2·(heard + 1 + 2·message)]`
 */
export function writeAttention(
  g: GraphBuilder,
  prefix: string,
  shape: ActorShape,
  { many, agents, places }: CommunicationSize,
  { messages, heard }: Messages,
): string {
  const op = (name: string, ...inputs: string[]) => g.op(name, inputs)
  const byPlace = g.op('Transpose', [messages], { perm: [0, 2, 1, 3] })
  const of = (name: string) => op('MatMul', byPlace, `${prefix}.attention.${name}`)
  const keys = g.op('Transpose', [of('key')], { perm: [0, 1, 3, 2] })
  const fit = op('Mul', op('MatMul', of('query'), keys), g.scalar(1 / Math.sqrt(shape.heard)))
  // Who is not heard, and oneself: no weight. All silent: equal weights on nothing.
  const others = new Float32Array(agents * agents).fill(1)
  for (let agent = 0; agent < agents; agent++) others[agent * agents + agent] = 0
  const speaks = op('Reshape', heard, g.ints([many, 1, 1, agents]))
  const counts = op('Mul', speaks, g.constant(float32Tensor(others, [1, 1, agents, agents])))
  const away = op('Mul', op('Sub', counts, g.scalar(1)), g.scalar(1e9))
  const shares = op('Mul', g.op('Softmax', [op('Add', fit, away)], { axis: 3 }), counts)
  const heardOf = op('MatMul', shares, of('value'))
  const back = g.op('Transpose', [heardOf], { perm: [0, 2, 1, 3] })
  const servers = Float32Array.from({ length: places }, (_, place) => (place === 0 ? 0 : 1))
  return op('Mul', back, g.constant(float32Tensor(servers, [1, 1, places, 1])))
}
