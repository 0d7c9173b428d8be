/** How a training is going, after each round. */
export interface GmorlProgress {
  /** Such as `imitation 1 of 2`. */
  readonly stage: string
  readonly round: number
  readonly rounds: number
  readonly loss: number
  /** For each judging system: the hypervolume of the policy over the base rule's, its corners the reference. Every few rounds. */
  readonly hypervolume?: ReadonlyMap<string, number>
}
