import { type CutCost, inspectModel, readModel, sensibleCuts } from '@isthmus/models/onnx'
import type { Part } from '../part.ts'
import { type Autoencoder, autoencodersAt } from './autoencoder.ts'
import { type Interface, percentage } from './classify.ts'
import { mean, type OperatingPoint } from './operating-points.ts'
import { pickledBytes } from './pickled-bytes.ts'
import { type CutSubject, type UntrainedCut, untrainedCut } from './untrained-cut.ts'
import type { World } from './world.ts'

/** A cut that leaves the server less than this share of the work splits nothing. */
const LEAST_TAIL_SHARE = 0.02
/** Nobody sends a tensor that has so many times the values of the picture. */
const MOST_OF_PICTURE = 5
const CALIBRATION = 250
const AUTOENCODERS = { epochs: 20, channels: [4, 10] }
/** The last cuts, of which the maps of thousands of pictures can be held in memory. */
const AUTOENCODED = 2

/** Where a network is worth cutting, as it is: its tensor takes at most so many bytes as uint8. */
export function untrainedPlaces(model: Uint8Array, { input }: Interface, mostBytes: number): CutCost[] {
  const { cuts } = inspectModel(readModel(model), { [input.name]: [1, ...input.dims] })
  return sensibleCuts(cuts).filter(
    ({ headShare, uint8Bytes }) => headShare < 1 - LEAST_TAIL_SHARE && uint8Bytes < mostBytes,
  )
}

/**
 * What one gets without training: the teacher itself, cut where a cut is worth a look. And the trained bottleneck without entropy
 * coding (CR+BQ), and autoencoders behind the teacher's own head.
 */
export async function measureUntrainedCuts(world: World, plain: OperatingPoint): Promise<Part> {
  const { bundle, quick, say, labels, threads } = world
  const subject: CutSubject = {
    face: bundle.manifest,
    model: bundle.modelBytes('full'),
    calibration: world.trainingPictures.slice(0, CALIBRATION),
    pictures: world.pictures.slice(0, world.some),
    wanted: labels,
    threads,
  }
  const worth = untrainedPlaces(subject.model, subject.face, 3 * 32 * 32 * MOST_OF_PICTURE)
  const measured: UntrainedCut[] = []
  for (const place of quick ? worth.slice(-1) : worth) {
    say(`the teacher cut at ${place.tensor}, ${place.uint8Bytes} bytes as uint8`)
    measured.push(await untrainedCut(subject, place))
  }
  const autoencoders: Autoencoder[] = []
  const training = { photos: world.trainingPictures, ...AUTOENCODERS }
  for (const place of worth.slice(quick ? -1 : -AUTOENCODED))
    autoencoders.push(...(await autoencodersAt(subject, place, training, say)))
  // The same pictures as those of the cuts.
  const bytes = plain.bytes.subarray(0, world.some)
  const { mode } = plain
  return {
    peers: {
      bottlefit8bit: {
        about: 'CR+BQ: the trained head and tail, 8 bits a value, no entropy coding',
        mode: mode.name,
        bytes: mean(bytes),
        pickledBytes: mean(Array.from(bytes, pickledBytes)),
        top1: percentage(plain.hits.subarray(0, world.some)),
      },
      untrainedCuts: measured.map((each) => ({ ...each })),
      autoencoders: autoencoders.map((each) => ({ ...each })),
    },
  }
}
