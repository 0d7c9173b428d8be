import type { ImageInput } from '../../data/index.ts'
import { type CutCost, cut, writeModel } from '../../onnx/index.ts'
import { eachPhoto, evenly } from '../../pack/photos.ts'
import type { Session, SessionOptions } from '../../runtime/index.ts'
import type { Teacher } from '../teacher.ts'
import { MapStatistics, type Transform } from './karhunen-loeve.ts'

/** More photos hardly change the directions. */
const MOST_PHOTOS = 1000

/** The transform of the teacher's map at a cut, over photos. */
export async function fitTransform(
  teacher: Teacher,
  at: CutCost,
  directions: number,
  photos: readonly string[],
  input: ImageInput,
  open: (model: Uint8Array, options: SessionOptions) => Promise<Session>,
  threads: number,
  onDone: (done: number, total: number) => void,
): Promise<Transform> {
  const { head } = cut(teacher.model, at.tensor)
  const session = await open(writeModel(head), { intraOpThreads: threads })
  const some = evenly(photos, MOST_PHOTOS)
  const statistics = new MapStatistics(at.dims[1]!)
  try {
    for await (const { tensor } of eachPhoto(some, input, (done) => onDone(done, some.length))) {
      const photo = { dtype: 'float32', dims: [1, ...input.dims], data: tensor } as const
      const results = await session.run({ [session.inputs[0]!.name]: photo })
      statistics.add(results[session.outputs[0]!.name]!.data as Float32Array)
    }
  } finally {
    await session.dispose()
  }
  return statistics.transform(directions)
}
