import type { Tensor } from '@isthmus/models/runtime'
import type { RandomStream } from '../env/index.ts'
import type { SequenceSize } from './actor-graph.ts'
import { ROW } from './offload-rows.ts'
import type { DivisionRecord, RoundRecord } from './round-record.ts'

export interface SequenceOptions extends SequenceSize {
  /** In each sequence a share of messages is heard by none, up to this; in one of ten all are. */
  readonly messageLoss: number
}

/** Sequences of rounds as feeds of a training step, filled anew by each {@link SequenceReplay.draw}. */
export type SequenceBatch = Readonly<
  Record<
    | 'rows'
    | 'acting'
    | 'heard'
    | 'allowed'
    | 'taken'
    | 'cost'
    | 'taught'
    | 'last'
    | 'divides'
    | 'ratios'
    | 'taughtRatios',
    Tensor<'float32'>
  >
>

/** Holds the latest episodes, and draws sequences of them. */
export class SequenceReplay {
  readonly #most: number
  readonly #records: RoundRecord[] = []
  #next = 0

  readonly #row: number

  /**
   * @param most episodes that are kept
   * @param row numbers of a row
   */
  constructor(most: number, row: number = ROW) {
    this.#most = most
    this.#row = row
  }

  get episodes(): number {
    return this.#records.length
  }

  add(record: RoundRecord): void {
    this.#records[this.#next] = record
    this.#next = (this.#next + 1) % this.#most
  }

  /**
   * Room for a batch. Costs a teacher does not allow are 1e3 (instead of infinite). `divides` is 1 where a ratio counts: at servers, for a task
   * that can be divided; elsewhere `ratios` are 1.
   */
  batch({ steps, sequences, agents, places }: SequenceSize): SequenceBatch {
    const make = (...dims: number[]): Tensor<'float32'> => ({
      dtype: 'float32',
      dims,
      data: new Float32Array(dims.reduce((product, dim) => product * dim, 1)),
    })
    return {
      rows: make(steps, sequences, agents, places, this.#row),
      acting: make(steps, sequences, agents),
      heard: make(steps, sequences, agents),
      allowed: make(steps, sequences, agents, places),
      taken: make(steps, sequences, agents, places),
      cost: make(steps, sequences, agents),
      taught: make(steps, sequences, agents, places),
      divides: make(steps, sequences, agents, places),
      ratios: make(steps, sequences, agents, places),
      taughtRatios: make(steps, sequences, agents, places),
      last: make(steps, sequences),
    }
  }

  /** Fills a batch with sequences that begin anywhere in an episode; rounds after its end are empty. */
  draw(batch: SequenceBatch, options: SequenceOptions, random: RandomStream): SequenceBatch {
    for (const { data } of Object.values(batch)) data.fill(0)
    batch.ratios.data.fill(1)
    for (let sequence = 0; sequence < options.sequences; sequence++) {
      const record = this.#records[random.below(this.#records.length)]!
      // Beginnings of episodes come as often as other rounds: sequences may begin before them.
      const loss = drawLoss(options.messageLoss, random)
      const first = random.below(record.rounds + options.steps - 1) - (options.steps - 1)
      for (let step = 0; step < options.steps; step++) {
        const round = Math.max(0, first) + step
        if (round < record.rounds) copyRound(record, round, batch, options, sequence, step, loss, random)
      }
    }
    return batch
  }
}

/** Share of messages that get lost for a while: up to `most`, and all in one of ten cases. */
export const drawLoss = (most: number, random: RandomStream): number =>
  most > 0 && random.uniform() < 0.1 ? 1 : random.between(0, most)

function copyRound(
  record: RoundRecord,
  round: number,
  batch: SequenceBatch,
  { sequences, agents }: SequenceOptions,
  sequence: number,
  step: number,
  loss: number,
  random: RandomStream,
): void {
  const { places } = record
  const most = batch.allowed.dims[3]!
  const row = batch.rows.dims[4]!
  batch.last.data[step * sequences + sequence] = round === record.rounds - 1 ? 1 : 0
  for (let agent = 0; agent < record.agents; agent++) {
    const from = round * record.agents + agent
    if (record.speaking[from] === 0) continue
    const to = (step * sequences + sequence) * agents + agent
    batch.acting.data[to] = record.acting[from]!
    batch.heard.data[to] = random.uniform() < loss ? 0 : 1
    batch.rows.data.set(record.rows.subarray(from * places * row, (from + 1) * places * row), to * most * row)
    if (record.acting[from] === 1) {
      batch.cost.data[to] = record.cost[from]!
      batch.taken.data[to * most + record.action[from]!] = 1
    }
    for (let place = 0; place < places; place++) {
      batch.allowed.data[to * most + place] = record.allowed[from * places + place]!
      if (record.taught.length > 0)
        batch.taught.data[to * most + place] = Math.min(1e3, record.taught[from * places + place]!)
    }
    if (record.division?.divisible[from] === 1)
      copyDivision(record.division, from * places, batch, to * most, places)
  }
}

function copyDivision(
  { ratios, taughtRatios }: DivisionRecord,
  from: number,
  batch: SequenceBatch,
  to: number,
  places: number,
): void {
  for (let place = 1; place < places; place++) {
    if (batch.allowed.data[to + place] === 0) continue
    batch.divides.data[to + place] = 1
    batch.ratios.data[to + place] = ratios[from + place]!
    if (taughtRatios.length > 0) batch.taughtRatios.data[to + place] = taughtRatios[from + place]!
  }
}
