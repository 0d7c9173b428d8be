/** What a device knows of a frame once its own network has answered it. */
export interface SeenSample {
  /** Entropy of the answer, in nats. */
  readonly entropy: number
  /** The answer, one probability a class. */
  readonly probabilities: Float32Array
  /** What sending it would take. */
  readonly bytes: number
  /** Share of the uplink budget that is there, 0..1. */
  readonly budgetLeft: number
}

/**
 * Why a sample is not worth its way: the network is sure of it, or so unsure that it would teach nothing right, or it is like those
 * that were sent, or others are worth more.
 */
export type Passed = 'certain' | 'unreliable' | 'similar' | 'ranked-out'

/** `worth` orders those that wait: the greatest goes first, the smallest is given up first; among equals the oldest. */
export type Verdict =
  | { readonly upload: true; readonly worth: number }
  | { readonly upload: false; readonly why: Passed }

/** Decides, frame by frame, what is worth learning from. It sees every frame that the local network answers, in their order. */
export interface UploadSelector {
  readonly name: string
  judge(sample: SeenSample): Verdict
}
