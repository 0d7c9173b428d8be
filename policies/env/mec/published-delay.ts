import type { ServerQueues } from './server-queues.ts'

/**
 * The delay that the published environment of 2023 charges, in seconds, with its three faults: the job's own upload is left
 * out; when the upload ends amid a layer of work only the smallest job has got on; when all jobs end before the upload does,
 * they are counted once more. For comparison with published figures only. Source: code of arXiv 2307.14346.
 */
export function publishedDelayS(queues: ServerQueues, server: number, bits: number, uploadS: number): number {
  const jobs = queues.jobs[server]!
  const base = server * queues.capacity
  const speed = queues.speedBps[server]!
  const sizes = Array.from(queues.leftBits.subarray(base, base + jobs))
  const beforeS = sojournS(sizes, speed)
  let whileUploadingS = 0
  let passedS = 0
  let last = 0
  for (let first = 0; first < jobs; first++) {
    const sharing = jobs - first
    const layerS = ((sizes[first]! - last) * sharing) / speed
    if (passedS + layerS >= uploadS) {
      const cutS = uploadS - passedS
      whileUploadingS += sharing * cutS
      sizes[first] = Math.max(0, sizes[first]! - (cutS * speed) / sharing)
      sizes.splice(0, first)
      break
    }
    whileUploadingS += sharing * layerS
    passedS += layerS
    last = sizes[first]!
  }
  sizes.push(bits)
  return whileUploadingS + sojournS(sizes, speed) - beforeS
}

/** Sum of the sojourn times of jobs that share a server from now on. */
function sojournS(sizes: readonly number[], speed: number): number {
  let total = 0
  let last = 0
  const ascending = sizes.toSorted((a, b) => a - b)
  for (const [first, size] of ascending.entries()) {
    total += ((size - last) * (ascending.length - first) ** 2) / speed
    last = size
  }
  return total
}
