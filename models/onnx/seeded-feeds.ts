import { seededRandom } from '../data/random.ts'
import { typedArrays } from '../runtime/feeds.ts'
import type { Tensor } from '../runtime/session.ts'
import { graphError } from './errors.ts'
import type { Model } from './graph.ts'
import { concreteInputs } from './inspect.ts'
import { elementCount } from './tensor.ts'

/** Elements of one input beyond which trying makes no sense: 2 GB of float32. */
const largest = 2 ** 29

/**
 * Inputs on which to try a model, repeatable by seed: float32 and float64 uniform in [-1, 1), float16 in [0.5, 1),
 * uint8 and int8 over their whole range, other integers and bool 0 or 1. A free batch is 1.
 * Throws BAD_INPUT when another free dimension is not in `shapes`.
 */
export function seededFeeds(
  model: Model,
  shapes: Readonly<Record<string, readonly number[]>> = {},
  seed = 1,
): Record<string, Tensor> {
  const random = seededRandom(seed)
  const concrete = concreteInputs(model, shapes)
  const feeds = new Map<string, Tensor>()
  for (const { name, dtype } of model.graph.inputs) {
    const dims = Object.hasOwn(concrete, name) ? concrete[name] : undefined
    if (!dims) throw graphError('BAD_INPUT', `Give the shape of input "${name}" in whole numbers.`)
    if (dtype === 'string' || dtype === 'bfloat16') {
      throw graphError('BAD_INPUT', `Input "${name}" is ${dtype}, which cannot be fed from JavaScript.`)
    }
    if (elementCount(dims) > largest) {
      throw graphError('BAD_INPUT', `Input "${name}" of [${dims}] is too large to try.`)
    }
    const data = new typedArrays[dtype](elementCount(dims))
    for (let i = 0; i < data.length; i++) {
      if (dtype === 'float32' || dtype === 'float64') data[i] = 2 * random.uniform() - 1
      else if (dtype === 'float16') data[i] = 0x3800 + random.below(0x400)
      else if (dtype === 'uint8' || dtype === 'int8') data[i] = random.below(256)
      else if (dtype === 'int64' || dtype === 'uint64') data[i] = BigInt(random.below(2))
      else data[i] = random.below(2)
    }
    feeds.set(name, { dtype, dims, data })
  }
  return Object.fromEntries(feeds)
}
