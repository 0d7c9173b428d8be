import type { EnvironmentPolicy, MecObservation } from '../env/index.ts'

/** The server that would be done first with what it has, in seconds; the first of equals (LWL). */
export function leastWork(): EnvironmentPolicy<MecObservation> {
  return {
    name: 'least work',
    evaluations: 0,
    begin: () => {},
    act: (observation) => {
      let best = 0
      let bestS = Infinity
      for (let server = 0; server < observation.servers; server++) {
        const seconds = workLeftS(observation, server)
        if (seconds < bestS) {
          best = server
          bestS = seconds
        }
      }
      return best
    },
  }
}

/** Work at a server, jobs that are still uploading included, in seconds of its whole speed. */
export function workLeftS({ queues }: MecObservation, server: number): number {
  const first = server * queues.capacity
  let bits = 0
  for (let at = first; at < first + queues.jobs[server]!; at++) bits += queues.leftBits[at]!
  for (let at = first; at < first + queues.uploads[server]!; at++) bits += queues.uploadBits[at]!
  return bits / queues.speedBps[server]!
}
