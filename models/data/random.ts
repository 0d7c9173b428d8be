import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64'
import { uniformInt } from 'pure-rand/distribution/uniformInt'
import { xoroshiro128plusFromState } from 'pure-rand/generator/xoroshiro128plus'
import { dataError } from './errors.ts'

/** A source of random numbers. Handed in wherever chance is needed, so that a seed repeats an experiment. */
export interface Random {
  /** Uniform in [0, 1). */
  uniform(): number
  /** Uniform integer in [0, limit), without bias; `limit` in 1 … 2³². */
  below(limit: number): number
  /** Standard normal. */
  normal(): number
}

/**
 * A repeatable {@link Random} (xoroshiro128+). The numbers name a stream: `seededRandom(seed, epoch)` gives
 * each epoch its own, so that a resumed run needs no saved generator state. Streams of different names are
 * unrelated, also for neighbouring seeds.
 *
 * @param stream seed and further coordinates: integers, taken modulo 2³²
 */
export function seededRandom(...stream: readonly number[]): Random {
  // The library's own seeding starts nearly linear in the seed; hashing four words apart avoids that.
  const generator = xoroshiro128plusFromState([1, 2, 3, 4].map((word) => hash32(word, ...stream)))
  let spare: number | undefined
  return {
    uniform: () => uniformFloat64(generator),
    below: (limit) => {
      if (!Number.isInteger(limit) || limit < 1 || limit > 2 ** 32) {
        throw dataError('BAD_OPTION', `below(${limit}): the limit must be an integer from 1 to 2^32`)
      }
      return uniformInt(generator, 0, limit - 1)
    },
    normal: () => {
      // Marsaglia's polar method; it makes two at a time.
      if (spare !== undefined) {
        const value = spare
        spare = undefined
        return value
      }
      for (;;) {
        const u = 2 * uniformFloat64(generator) - 1
        const v = 2 * uniformFloat64(generator) - 1
        const square = u * u + v * v
        if (square === 0 || square >= 1) continue
        const scale = Math.sqrt((-2 * Math.log(square)) / square)
        spare = v * scale
        return u * scale
      }
    },
  }
}

/** 0 … n-1 in random order (Fisher-Yates), written to `out` when given. */
export function shuffledIndices(
  n: number,
  random: Random,
  out: Uint32Array = new Uint32Array(n),
): Uint32Array {
  if (out.length !== n) throw dataError('BAD_OPTION', `out holds ${out.length} indices, not ${n}`)
  for (let i = 0; i < n; i++) {
    const j = random.below(i + 1)
    out[i] = out[j]!
    out[j] = i
  }
  return out
}

/** Hash of integers (modulo 2³²) to an unsigned 32-bit integer: MurmurHash3's body and finaliser. */
export function hash32(...words: readonly number[]): number {
  let h = 0
  for (const word of words) h = mix32(h, word)
  return finish32(h, words.length)
}

/** One step of {@link hash32} for hot loops: takes `word` into the running hash `h`. */
export function mix32(h: number, word: number): number {
  let k = Math.imul(word | 0, 0xcc9e2d51)
  k = Math.imul((k << 15) | (k >>> 17), 0x1b873593)
  const x = h ^ k
  return (Math.imul((x << 13) | (x >>> 19), 5) + 0xe6546b64) | 0
}

/** The end of {@link hash32} after `count` words. */
export function finish32(h: number, count: number): number {
  let x = h ^ (4 * count)
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b)
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35)
  return (x ^ (x >>> 16)) >>> 0
}
