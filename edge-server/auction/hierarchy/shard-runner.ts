import { type ClearingState, type Shard, ShardWork, type SpillOffers } from './shard.ts'

/** What is asked of every shard, one after the other. */
export interface ShardAnswers {
  readonly auction: undefined
  readonly spill: SpillOffers
  readonly gather: undefined
  readonly bound: number
}

export type ShardTask = keyof ShardAnswers

/** Has shards of clearings worked on, here or in threads. */
export interface ShardRunner {
  /** Begins a clearing; whatever was before is forgotten. */
  open(state: ClearingState): void
  /** The answers of all shards, in their order. */
  ask<Task extends ShardTask>(task: Task, shards: readonly Shard[]): Promise<ShardAnswers[Task][]>
}

/** Works on shards in the caller's own thread. */
export class LocalShards implements ShardRunner {
  #work: ShardWork | undefined

  open(state: ClearingState): void {
    this.#work = new ShardWork(state)
  }

  async ask<Task extends ShardTask>(task: Task, shards: readonly Shard[]): Promise<ShardAnswers[Task][]> {
    const work = this.#work!
    return shards.map((shard) => work[task](shard) as ShardAnswers[Task])
  }
}
