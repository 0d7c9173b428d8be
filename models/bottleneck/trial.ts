import { type ImageInput, toTensor } from '../data/index.ts'
import type { Pixels } from '../pack/normalisation.ts'
import { evenly } from '../pack/photos.ts'
import type { Session } from '../runtime/index.ts'
import { type AnswerKind, answerKind, asProbabilities, classCount } from './answers.ts'
import { bottleneckError } from './errors.ts'
import { guessScale, type ScaleGuess } from './guess-scale.ts'
import type { Teacher } from './teacher.ts'

/** What a first look at a teacher's answers says. */
export interface Trial {
  readonly kind: AnswerKind
  readonly classes: number
  /** Of the output, without the batch. */
  readonly outputDims: readonly number[]
  readonly pixels: Pixels
  /** All scales that were tried, best first; none when the scale was given. */
  readonly guesses: readonly ScaleGuess[]
}

const TRIAL_PHOTOS = 24

/**
 * Runs the teacher on some photos: what its answers are, and, unless it is said, how it wants its pixels. Throws NOT_A_CLASSIFIER.
 */
export async function tryTeacher(
  teacher: Teacher,
  session: Session,
  photos: readonly string[],
  given: Pixels | undefined,
  fit: ImageInput['fit'],
  onDone: (done: number, total: number) => void,
): Promise<Trial> {
  const { input, output } = teacher.network
  const some = evenly(photos, TRIAL_PHOTOS)
  let outputDims: readonly number[] = []
  const answers = async (pixels: Pixels, paths: readonly string[]): Promise<Float32Array[]> => {
    const all: Float32Array[] = []
    for (const path of paths) {
      const data = await toTensor(path, { ...input, ...pixels, fit })
      const { dims, data: values } = (
        await session.run({
          [input.name]: { dtype: 'float32', dims: [1, ...input.dims], data },
        })
      )[output]!
      if (!(values instanceof Float32Array) || dims[0] !== 1) {
        throw bottleneckError(
          'NOT_A_CLASSIFIER',
          `The teacher's output "${output}" is [${dims}] for one photo, not float32 [1,classes].`,
        )
      }
      outputDims = dims.slice(1)
      classCount(output, outputDims)
      all.push(values)
    }
    return all
  }
  let done = 0
  const guesses =
    given === undefined
      ? await guessScale(async (pixels) => {
          const values = await answers(pixels, some)
          onDone(++done, 4)
          // Not yet known what they are: softmax changes neither order nor who is sure.
          const kind = values.every((each) => each.every((value) => value >= 0 && value <= 1))
            ? 'probabilities'
            : 'logits'
          return values.map((each) => asProbabilities(each, kind))
        })
      : []
  const pixels = given ?? guesses[0]!.pixels
  const kind = answerKind(teacher.model.graph, await answers(pixels, some.slice(0, 4)))
  return { kind, classes: classCount(output, outputDims), outputDims, pixels, guesses }
}
