import type { EnvironmentPolicy, MecObservation } from '../env/index.ts'

/** The server with the fewest jobs, uploading ones included; the first of equals (JSQ). */
export function shortestQueue(): EnvironmentPolicy<MecObservation> {
  return {
    name: 'shortest queue',
    evaluations: 0,
    begin: () => {},
    act: ({ servers, queues }) => {
      let best = 0
      for (let server = 1; server < servers; server++) {
        const jobs = queues.jobs[server]! + queues.uploads[server]!
        if (jobs < queues.jobs[best]! + queues.uploads[best]!) best = server
      }
      return best
    },
  }
}
