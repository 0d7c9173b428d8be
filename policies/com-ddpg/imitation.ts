import { type Adam, compileTrainingStep, type TrainingStep } from '@isthmus/models/autodiff'
import { GraphBuilder } from '@isthmus/models/onnx'
import { declareActor, type SequenceSize, writeActor } from './actor-graph.ts'
import { type ActorShape, type ActorWeights, actorDims } from './actor-shape.ts'
import { ACTOR } from './agents-network.ts'

export const imitationOptimizer: Adam = { kind: 'adam' }

export interface ImitationOptions {
  /** Rounds at the beginning of each sequence that only warm up the memory. */
  readonly burnIn: number
  /** Spread of the teacher's choices: places that cost so much more than the best, in deadlines, are e times less likely. */
  readonly spread: number
  /** What a squared error of 1 in a ratio counts beside the cross entropy, where agents divide tasks. Default {@link RATIO_LOSS}. */
  readonly ratioLoss?: number | undefined
}

export const RATIO_LOSS = 4

/** Dimensions of what a step reads of a {@link SequenceBatch}. */
export function sequenceDims({ steps, sequences, agents, places }: SequenceSize, row: number) {
  return {
    rows: [steps, sequences, agents, places, row],
    acting: [steps, sequences, agents],
    heard: [steps, sequences, agents],
    allowed: [steps, sequences, agents, places],
  }
}

/**
 * The training step that makes the actor choose as the teacher does: cross entropy between the teacher's choices, softened by
 * what each place costs, and the actor's; and, of an actor that divides tasks, the squared error of its ratios, each place's as often as the
 * teacher chooses it. Back-propagation goes through time and through the agents. Inputs: rows, acting, heard, allowed, taught; and divides and
 * taughtRatios.
 */
export function compileImitation(
  shape: ActorShape,
  weights: ActorWeights,
  size: SequenceSize,
  { burnIn, spread, ratioLoss = RATIO_LOSS }: ImitationOptions,
): TrainingStep {
  const { steps, sequences, agents, places } = size
  const g = new GraphBuilder('com-ddpg.imitation')
  const byPlace = [steps, sequences, agents, places]
  const dims = {
    ...sequenceDims(size, shape.row),
    taught: byPlace,
    ...(shape.ratio && { divides: byPlace, taughtRatios: byPlace }),
  }
  for (const [name, of] of Object.entries(dims)) g.input(name, 'float32', of)
  declareActor(g, ACTOR, shape, weights)
  const op = (name: string, ...inputs: string[]) => g.op(name, inputs)
  const inputs = { rows: 'rows', acting: 'acting', heard: 'heard', allowed: 'allowed' }
  const { scores, ratios } = writeActor(g, ACTOR, shape, size, inputs, burnIn)
  const away = op('Mul', op('Sub', 'allowed', g.scalar(1)), g.scalar(1e9))
  const wanted = op('Sub', away, op('Mul', 'taught', g.scalar(1 / spread)))
  const target = g.op('Softmax', [wanted], { axis: -1 })
  const logs = op('Mul', g.op('LogSoftmax', [scores], { axis: -1 }), 'allowed')
  const overPlaces = (value: string) => g.op('ReduceSum', [value, g.ints([3])], { keepdims: 0 })
  const likeness = overPlaces(op('Mul', target, logs))
  const good = ratios ? op('Sub', likeness, apart(ratios)) : likeness
  const late = (value: string) => op('Slice', value, g.ints([burnIn]), g.ints([steps]), g.ints([0]))
  const counts = late('acting')
  const total = g.op('ReduceSum', [op('Mul', late(good), counts), g.ints([0, 1, 2])], { keepdims: 0 })
  const count = op('Add', g.op('ReduceSum', [counts, g.ints([0, 1, 2])], { keepdims: 0 }), g.scalar(1e-6))
  g.output(op('Neg', op('Div', total, count)), 'loss', 'float32', [])
  return compileTrainingStep(g.build(), {
    loss: 'loss',
    inputDims: dims,
    groups: [{ name: 'actor', parameters: Object.keys(actorDims(shape)).map((name) => `${ACTOR}.${name}`) }],
    optimizer: imitationOptimizer,
  })

  function apart(ratios: string): string {
    const error = op('Mul', op('Sub', ratios, 'taughtRatios'), 'divides')
    const weighed = op('Mul', op('Mul', error, error), target)
    return op('Mul', overPlaces(weighed), g.scalar(ratioLoss))
  }
}
