import type { Exit, HeadRole, Manifest } from '@isthmus/models/bundle'
import { sureness } from '@isthmus/models/gates'
import { deviceError } from './errors.ts'
import { allFinite, softmax } from './guesses.ts'
import type { ModelRunner } from './model-runner.ts'

/** `true`: the bundle's own threshold. `accuracy`: one that keeps the frames that leave at least so accurate. */
export type ExitOption = boolean | { readonly accuracy: number }

export interface EarlyExitRules extends Pick<Exit, 'gate' | 'temperature'> {
  /** Frames at least this sure leave. */
  readonly threshold: number
  /** The heads whose latents it may judge. */
  readonly heads: readonly HeadRole[]
  /** What the bundle's outputs are, and how many numbers. */
  readonly output: { readonly count: number; readonly kind: 'logits' | 'probabilities' }
  /** Whether its answer is worth more than the local network's when the server gives none. */
  readonly backsUp: boolean
}

/** What the exit says of one frame. */
export interface ExitAnswer {
  /** As the bundle's outputs are, calibrated. */
  readonly output: Float32Array
  readonly isSure: boolean
}

/** A classifier on the head's latent that may answer in place of the server. */
export class EarlyExit {
  readonly runner: ModelRunner
  readonly #rules: EarlyExitRules

  constructor(runner: ModelRunner, rules: EarlyExitRules) {
    this.runner = runner
    this.#rules = rules
  }

  get backsUp(): boolean {
    return this.#rules.backsUp
  }

  judges(head: HeadRole): boolean {
    return this.#rules.heads.includes(head)
  }

  /** Throws what running the model throws, and BAD_BUNDLE for an output that is no answer. */
  async judge(latent: Float32Array): Promise<ExitAnswer> {
    const { gate, temperature, threshold, output } = this.#rules
    const logits = await this.runner.run(latent)
    if (logits.length !== output.count || !allFinite(logits)) {
      throw deviceError('BAD_BUNDLE', `The exit does not give ${output.count} finite numbers.`)
    }
    const calibrated = logits.map((logit) => logit / temperature)
    if (!allFinite(calibrated))
      throw deviceError('BAD_BUNDLE', `The exit's temperature ${temperature} leaves no numbers.`)
    return {
      output: output.kind === 'logits' ? calibrated : softmax(calibrated),
      isSure: sureness(logits, output.count, temperature, gate)[0]! >= threshold,
    }
  }
}

/** The rules that an option asks for. Throws BAD_OPTIONS when the bundle has none. */
export function exitRules(manifest: Manifest, option: Exclude<ExitOption, false>): EarlyExitRules {
  const { exit, name, models, output } = manifest
  if (!exit) throw deviceError('BAD_OPTIONS', `connectDevice: exit: bundle ${name} has no early exit.`)
  const target = option === true ? exit.target : option.accuracy
  const point = exit.points.find((one) => one.target >= target)
  if (!point) {
    const best = exit.points[exit.points.length - 1]!.target
    throw deviceError('BAD_OPTIONS', `connectDevice: exit.accuracy: ${name} has thresholds up to ${best}.`)
  }
  const [own, local] = [models.exit?.accuracy, models.local?.accuracy]
  return {
    gate: exit.gate,
    temperature: exit.temperature,
    threshold: point.threshold,
    heads: exit.heads ?? ['head'],
    output: { count: output.dims.reduce((product, dim) => product * dim, 1), kind: output.kind },
    backsUp: !models.local || (own !== undefined && local !== undefined && own >= local),
  }
}
