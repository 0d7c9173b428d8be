import { ImageAnswers } from '@isthmus/edge-server/adaptation'
import { adaptableNetwork } from '@isthmus/models/adapt'
import type { LabelledImages, Random } from '@isthmus/models/data'
import type { Attack, PoisonNetworks } from './poison-fleet.ts'

const PIXELS = 3 * 32 * 32

/** Every pixel at random: nothing is in it, but its statistics are extreme. */
const noise: Attack = (random) => Uint8Array.from({ length: PIXELS }, () => random.below(256))

/** One image of black and white squares, over and over. */
const checkers: Attack = () =>
  Uint8Array.from({ length: PIXELS }, (_, at) => (((at % 32) ^ (at >> 5)) & 2) * 127)

/**
 * Images that the foundation takes for something else and is sure of: what a device can do that wants wrong labels taught. Chosen with
 * the true labels and the foundation in hand, among images of the same corruption and copies of them with noise of ±24.
 */
async function mislabelled(
  { foundation, mean, std }: PoisonNetworks,
  pool: LabelledImages,
  random: Random,
  threads: number,
): Promise<Attack> {
  const network = adaptableNetwork(foundation)
  const answers = await ImageAnswers.open(network, { mean, std, threads })
  const images: Uint8Array[] = []
  const truth: number[] = []
  for (let at = 0; at < pool.count; at++) {
    const image = pool.pixels.subarray(at * PIXELS, (at + 1) * PIXELS)
    images.push(image, perturbed(image, random))
    truth.push(pool.labels[at]!, pool.labels[at]!)
  }
  const { labels, entropy } = await answers.answer(images, network.source)
  await answers.dispose()
  const wrong = images
    .map((pixels, at) => ({ pixels, entropy: entropy[at]!, isWrong: labels[at] !== truth[at] }))
    .filter(({ isWrong }) => isWrong)
    .toSorted((a, b) => a.entropy - b.entropy)
  const surest = wrong.slice(0, Math.max(32, Math.ceil(wrong.length / 2)))
  return (draw) => surest[draw.below(surest.length)]!.pixels
}

/** With ±24 on every value. */
const perturbed = (image: Uint8Array, random: Random): Uint8Array =>
  Uint8Array.from(image, (value) => Math.min(255, Math.max(0, value + (random.below(2) === 0 ? -24 : 24))))

/** What hostile devices do, by name. */
export async function attacksOn(
  networks: PoisonNetworks,
  pool: LabelledImages,
  random: Random,
  threads: number,
): Promise<Readonly<Record<string, { readonly attack: Attack; readonly floodFactor: number }>>> {
  return {
    mislabelled: { attack: await mislabelled(networks, pool, random, threads), floodFactor: 1 },
    noise: { attack: noise, floodFactor: 1 },
    'noise flood': { attack: noise, floodFactor: 20 },
    flood: { attack: checkers, floodFactor: 20 },
    'mislabelled flood': { attack: await mislabelled(networks, pool, random, threads), floodFactor: 20 },
  }
}
