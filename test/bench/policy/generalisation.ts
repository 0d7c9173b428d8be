import type { ProblemSpec } from '@isthmus/policies/gmorl'

/** Edges that no episode of training had. */
const UNSEEN_EDGES = [2, 7, 10] as const

/** Clocks beyond those of training (cloud 3 … 5 GHz, edge 1.5 … 2.5 GHz), by a quarter each way. */
const UNSEEN_CLOCKS = {
  slower: { cloudHz: [2.25e9, 3e9], edgeHz: [1.125e9, 1.5e9] },
  faster: { cloudHz: [5e9, 6.25e9], edgeHz: [2.5e9, 3.125e9] },
} as const

/** Systems unlike those of training, by what they are called. */
export const unseenSystems: Readonly<Record<string, ProblemSpec>> = {
  ...Object.fromEntries(
    UNSEEN_EDGES.map((edges) => [`E=${edges}`, { env: 'mec', judged: [edges] } satisfies ProblemSpec]),
  ),
  ...Object.fromEntries(
    Object.entries(UNSEEN_CLOCKS).flatMap(([name, clocks]) =>
      [3, 8].map((edges) => [
        `E=${edges}, ${name} clocks`,
        { env: 'mec', judged: [edges], judgedClocks: clocks } satisfies ProblemSpec,
      ]),
    ),
  ),
}
