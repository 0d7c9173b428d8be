/**
 * A random number that a seed, a stream and a counter name, uniform in (0, 1): each device has streams of its own without holding any
 * state, and what one decides changes nothing for another. 32 bits, mixed as in Austin Appleby's MurmurHash3.
 */
export function hashedUniform(seed: number, stream: number, counter: number): number {
  let hash = absorb(absorb(absorb(0x5bd1e995, seed), stream), counter)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (((hash ^ (hash >>> 16)) >>> 0) + 0.5) / 4294967296
}

/** Exponential with mean 1. */
export function hashedExponential(seed: number, stream: number, counter: number): number {
  return -Math.log(hashedUniform(seed, stream, counter))
}

/**
 * Positive, with mean 1 and squared coefficient of variation `variation`: 0 is constant, 1 exponential, more is a mixture of two
 * exponentials with balanced means. Takes counters 2·`counter` and the next one.
 */
export function hashedSize(seed: number, stream: number, counter: number, variation: number): number {
  if (variation === 0) return 1
  const size = hashedExponential(seed, stream, 2 * counter)
  if (variation === 1) return size
  const often = (1 + Math.sqrt((variation - 1) / (variation + 1))) / 2
  const isOften = hashedUniform(seed, stream, 2 * counter + 1) < often
  return size / (2 * (isOften ? often : 1 - often))
}

function absorb(state: number, word: number): number {
  let mixed = Math.imul(word | 0, 0xcc9e2d51)
  mixed = Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593)
  const hash = state ^ mixed
  return (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0
}
