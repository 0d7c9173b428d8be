import type { EnvironmentPolicy, MecObservation } from '../env/index.ts'

/** Everything to one server: `allCloud` is server 0, `allEdge` server 1. */
export function fixedServer(
  server: number,
  name = `all to server ${server}`,
): EnvironmentPolicy<MecObservation> {
  return {
    name,
    evaluations: 0,
    begin: () => {},
    act: ({ servers }) => Math.min(server, servers - 1),
  }
}

export const allCloud = () => fixedServer(0, 'all cloud')
export const allEdge = () => fixedServer(1, 'all edge 1')
