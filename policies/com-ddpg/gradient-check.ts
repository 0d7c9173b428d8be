import { StepRunner } from '@isthmus/models/train'
import { RandomStream } from '../env/index.ts'
import type { Numbers } from '../products.ts'
import { Actor } from './actor.ts'
import type { SequenceSize } from './actor-graph.ts'
import { type ActorShape, actorDims, heardWidth, initialActor } from './actor-shape.ts'
import { compileImitation, imitationOptimizer } from './imitation.ts'
import { type SequenceBatch, SequenceReplay } from './sequence-replay.ts'

/** The training graph held against the actor that plays, which is written apart from it. */
export interface GradientCheck {
  /** ‖gradient − finite differences‖ / ‖finite differences‖ over all weights, by name, and the largest of them. */
  readonly byWeight: Readonly<Record<string, number>>
  readonly largest: number
  /** |loss of the graph − loss of the actors| */
  readonly lossError: number
}

const SPREAD = 0.3
const RATIO_LOSS = 2
/** Step of the differences: doubles leave room for it. */
const STEP = 1e-5

/**
 * Checks back-propagation through time and agents: the graph's gradient against differences of a loss that is worked out agent by
 * agent in double precision. With burn-in, what was remembered then stays as it was.
 */
export async function checkGradients(
  shape: ActorShape,
  size: SequenceSize,
  burnIn: number,
  seed: number,
): Promise<GradientCheck> {
  const random = new RandomStream(seed)
  const first = initialActor(shape, random, 1)
  // Nothing goes out of a new actor's head: here all weights are to count.
  for (const values of first.values()) {
    for (let at = 0; at < values.length; at++) values[at]! += 0.3 * random.normal()
  }
  const batch = randomBatch(size, shape, random)
  const step = compileImitation(shape, first, size, { burnIn, spread: SPREAD, ratioLoss: RATIO_LOSS })
  const runner = await StepRunner.open(step, { optimizer: imitationOptimizer })
  const { rows, acting, heard, allowed, taught, divides, taughtRatios } = batch
  const feeds = { rows, acting, heard, allowed, taught, ...(shape.ratio && { divides, taughtRatios }) }
  const result = await runner.run(feeds, 0)
  // After one step of Adam its first moment is a tenth of the gradient.
  const moments = runner.state['actor.moment1']!
  await runner.dispose()
  const exact = new Map<string, Numbers>(
    [...first].map(([name, values]) => [name, Float64Array.from(values)]),
  )
  const loss = (weights: ReadonlyMap<string, Numbers>) =>
    lossByActors(shape, exact, weights, batch, size, burnIn)
  const lossError = Math.abs(loss(exact) - (result.loss!.data[0] as number))
  const byWeight: Record<string, number> = {}
  let offset = 0
  for (const name of Object.keys(actorDims(shape))) {
    const values = exact.get(name)!
    let apart = 0
    let norm = 0
    for (let at = 0; at < values.length; at++) {
      const slope = slopeOf(exact, name, at, loss)
      apart += (10 * moments[offset + at]! - slope) ** 2
      norm += slope ** 2
    }
    offset += values.length
    byWeight[name] = norm > 0 ? Math.sqrt(apart / norm) : Math.sqrt(apart)
  }
  return { byWeight, largest: Math.max(...Object.values(byWeight)), lossError }
}

function slopeOf(
  weights: ReadonlyMap<string, Numbers>,
  name: string,
  at: number,
  loss: (weights: ReadonlyMap<string, Numbers>) => number,
): number {
  const moved = (by: number) => {
    const values = weights.get(name)!.slice()
    values[at]! += by
    return loss(new Map([...weights, [name, values]]))
  }
  return (moved(STEP) - moved(-STEP)) / (2 * STEP)
}

function randomBatch(size: SequenceSize, shape: ActorShape, random: RandomStream): SequenceBatch {
  const batch = new SequenceReplay(1, shape.row).batch(size)
  const fill = (data: Float32Array, draw: () => number) => {
    for (let at = 0; at < data.length; at++) data[at] = draw()
  }
  fill(batch.rows.data, () => 0.7 * random.normal())
  fill(batch.acting.data, () => (random.uniform() < 0.7 ? 1 : 0))
  fill(batch.heard.data, () => (random.uniform() < 0.8 ? 1 : 0))
  fill(batch.allowed.data, () => (random.uniform() < 0.85 ? 1 : 0))
  for (let at = 0; at < batch.allowed.data.length; at += size.places) batch.allowed.data[at] = 1
  fill(batch.taught.data, () => random.uniform())
  fill(batch.divides.data, () => (random.uniform() < 0.7 ? 1 : 0))
  fill(batch.taughtRatios.data, () => random.uniform())
  return batch
}

/** The imitation loss, by actors that play the batch round by round. */
function lossByActors(
  shape: ActorShape,
  before: ReadonlyMap<string, Numbers>,
  weights: ReadonlyMap<string, Numbers>,
  batch: SequenceBatch,
  { steps, sequences, agents, places }: SequenceSize,
  burnIn: number,
): number {
  let total = 0
  let count = 0
  for (let sequence = 0; sequence < sequences; sequence++) {
    const memories = Array.from({ length: agents }, () => new Actor(shape, weights).memory(places))
    for (let step = 0; step < steps; step++) {
      const actor = new Actor(shape, step < burnIn ? before : weights)
      const first = (step * sequences + sequence) * agents
      const thoughts = Array.from({ length: agents }, (_, agent) => {
        const thought = actor.thought(places)
        const at = first + agent
        thought.rows.set(batch.rows.data.subarray(at * places * shape.row, (at + 1) * places * shape.row))
        thought.message.allowed.set(batch.allowed.data.subarray(at * places, (at + 1) * places))
        thought.message.deciding = batch.acting.data[at] === 1
        actor.think(thought)
        return thought
      })
      const heard = (from: number, to: number) =>
        thoughts
          .slice(from, to)
          .filter((_, at) => batch.heard.data[first + from + at] === 1)
          .map(({ message }) => message)
      for (const [agent, thought] of thoughts.entries()) {
        if (batch.acting.data[first + agent] === 0) continue
        const context = new Float64Array(places * heardWidth(shape))
        const scores = new Float64Array(places)
        const ratios = new Float64Array(places)
        actor.listener.listen(thought.message, heard(0, agent), heard(agent + 1, agents), places, context)
        actor.decide(thought, context, memories[agent]!, scores, ratios)
        if (step < burnIn) continue
        const at = (first + agent) * places
        const { allowed } = thought.message
        const wanted = wantedShares(batch.taught.data.subarray(at, at + places), allowed)
        total += crossEntropy(wanted, scores, allowed)
        if (shape.ratio) total += RATIO_LOSS * squaredErrors(wanted, ratios, batch, at)
        count++
      }
    }
  }
  return total / count
}

const wantedShares = (costs: Float32Array, allowed: Uint8Array): Float64Array =>
  shares(
    Float64Array.from(costs, (cost) => -cost / SPREAD),
    allowed,
  )

function crossEntropy(wanted: Float64Array, scores: Float64Array, allowed: Uint8Array): number {
  const chosen = shares(scores, allowed)
  let sum = 0
  for (let at = 0; at < wanted.length; at++) if (allowed[at] === 1) sum -= wanted[at]! * Math.log(chosen[at]!)
  return sum
}

function squaredErrors(
  wanted: Float64Array,
  ratios: Float64Array,
  { divides, taughtRatios }: SequenceBatch,
  at: number,
): number {
  let sum = 0
  for (const [place, weight] of wanted.entries())
    sum += weight * divides.data[at + place]! * (ratios[place]! - taughtRatios.data[at + place]!) ** 2
  return sum
}

function shares(scores: Float64Array, allowed: Uint8Array): Float64Array {
  const highest = scores.reduce(
    (most, score, at) => (allowed[at] === 1 ? Math.max(most, score) : most),
    -Infinity,
  )
  const powers = scores.map((score, at) => (allowed[at] === 1 ? Math.exp(score - highest) : 0))
  const sum = powers.reduce((total, power) => total + power, 0)
  return powers.map((power) => power / sum)
}
