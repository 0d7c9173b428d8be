import {
  type AdaptableNetwork,
  NormForward,
  type NormParameters,
  pixelReader,
  softmaxEntropy,
} from '@isthmus/models/adapt'
import type { Upload } from './fair-queue.ts'
import { imageTraits } from './image-traits.ts'
import type { Answers } from './model-guard.ts'
import type { UsualLook, UsualLookSettings } from './usual-look.ts'

/** Why an upload was not learned from. */
export const judgements = ['kept', 'unlike', 'unsure', 'unsteady', 'unreadable'] as const
export type Judgement = (typeof judgements)[number]

export interface JudgeSettings {
  /**
   * Entropy of the foundation's answer at or above which an upload is not learned from, in shares of ln(classes); higher when that is
   * what the fleet's uploads usually have.
   */
  readonly unsureShare: number
  /** Whether the foundation must answer the same to the image and to its mirror image. */
  readonly steady: boolean
  /** What must speak for an upload's look; without it, any look will do. */
  readonly look?: UsualLookSettings
}

/** Answers of one network to 8-bit images, with parameters that come with each call. */
export class ImageAnswers {
  readonly network: AdaptableNetwork
  readonly #forward: NormForward
  readonly #read: ReturnType<typeof pixelReader>

  private constructor(network: AdaptableNetwork, forward: NormForward, read: ReturnType<typeof pixelReader>) {
    this.network = network
    this.#forward = forward
    this.#read = read
  }

  static async open(
    network: AdaptableNetwork,
    { mean, std, threads }: { mean: readonly number[]; std: readonly number[]; threads: number },
  ): Promise<ImageAnswers> {
    const read = pixelReader(network.imageDims, mean, std)
    const forward = await NormForward.open(network.model, network.layout, 'running', threads)
    return new ImageAnswers(network, forward, read)
  }

  async answer(images: readonly Uint8Array[], parameters: NormParameters): Promise<Answers> {
    const { classes } = this.network
    const labels = new Uint32Array(images.length)
    const entropy = new Float32Array(images.length)
    for (let from = 0; from < images.length; from += ROWS_AT_ONCE) {
      const batch = images.slice(from, from + ROWS_AT_ONCE)
      const { data } = await this.#forward.run(this.#read.batch(batch, this.network), parameters)
      for (let row = 0; row < batch.length; row++) {
        labels[from + row] = largest(data, row * classes, classes)
        entropy[from + row] = softmaxEntropy(data, row * classes, classes)
      }
    }
    return { labels, entropy }
  }

  dispose(): Promise<void> {
    return this.#forward.dispose()
  }
}

/** Memory for feature maps grows with the rows of a run. */
const ROWS_AT_ONCE = 64

/**
 * What entropies the foundation usually has on a fleet's uploads. At the onset of a strong shift it is unsure of everything, and then
 * that says nothing against an upload. Each device has one voice, however much it uploads, and the median of the voices counts: it
 * takes half of the devices to move it.
 */
export class UsualEntropy {
  /** Of each device the latest, the device heard last at the end. */
  readonly #latest: Map<string, number[]>

  constructor(state: ReadonlyMap<string, readonly number[]> = new Map()) {
    this.#latest = new Map([...state].map(([device, values]) => [device, [...values]]))
  }

  add(device: string, entropy: number): void {
    if (!Number.isFinite(entropy)) return
    const values = [...(this.#latest.get(device) ?? []), entropy].slice(-LATEST)
    this.#latest.delete(device)
    this.#latest.set(device, values)
    const [longestSilent] = this.#latest.keys()
    if (this.#latest.size > DEVICES) this.#latest.delete(longestSilent!)
  }

  /** Below this lie three quarters of the uploads of the device in the middle; 0 while fewer than three are known. */
  get threshold(): number {
    if (this.#latest.size < FEWEST_DEVICES) return 0
    return quantile(
      [...this.#latest.values()].map((values) => quantile(values, 0.75)),
      0.5,
    )
  }

  state(): ReadonlyMap<string, readonly number[]> {
    return new Map([...this.#latest].map(([device, values]) => [device, [...values]]))
  }
}

const LATEST = 16
const DEVICES = 1024
const FEWEST_DEVICES = 3

const quantile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(share * values.length))]!

/** What the fleet usually sends. */
export interface Usual {
  readonly entropy: UsualEntropy
  /** Undefined where any look will do. */
  readonly look: UsualLook | undefined
}

/**
 * Looks at uploads before they can teach anybody. One that looks like nothing that the other devices send is turned away: the
 * foundation's word does not count for it, for whoever may teach the foundation noise makes it sure of noise. Of the others, one on
 * which the foundation is less sure than it usually is, or which it takes for something else when mirrored, has nothing to teach.
 */
export async function judgeUploads(
  foundation: ImageAnswers,
  parameters: NormParameters,
  uploads: readonly Upload[],
  { unsureShare, steady }: JudgeSettings,
  usual: Usual,
): Promise<Judgement[]> {
  const { imageDims, classes } = foundation.network
  const images = uploads.map(({ pixels }) => pixels)
  const answers = await foundation.answer(images, parameters)
  const mirrored = steady
    ? await foundation.answer(
        images.map((pixels) => mirror(pixels, imageDims)),
        parameters,
      )
    : answers
  const traits = usual.look ? images.map((pixels) => imageTraits(pixels, imageDims)) : []
  for (const [at, { device }] of uploads.entries()) {
    usual.entropy.add(device, answers.entropy[at]!)
    usual.look?.add(device, traits[at]!)
  }
  const threshold = Math.max(unsureShare * Math.log(classes), usual.entropy.threshold)
  return uploads.map(({ device }, at) => {
    if (usual.look && !usual.look.isUsual(device, traits[at]!)) return 'unlike'
    // A NaN is no small entropy.
    if (!(answers.entropy[at]! < threshold)) return 'unsure'
    return answers.labels[at] === mirrored.labels[at] ? 'kept' : 'unsteady'
  })
}

/** Planes with each row from right to left. */
export function mirror(pixels: Uint8Array, [, , width]: readonly [number, number, number]): Uint8Array {
  const mirrored = new Uint8Array(pixels.length)
  for (let row = 0; row < pixels.length; row += width)
    for (let at = 0; at < width; at++) mirrored[row + at] = pixels[row + width - 1 - at]!
  return mirrored
}

function largest(values: Float32Array, from: number, count: number): number {
  let best = 0
  for (let at = 1; at < count; at++) if (values[from + at]! > values[from + best]!) best = at
  return best
}
