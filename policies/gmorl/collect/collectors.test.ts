import { expect, it } from 'vitest'
import { RandomStream } from '../../env/index.ts'
import { initialWeights } from '../network/set-network.ts'
import { problemOf } from '../problems/index.ts'
import { Collectors } from './collectors.ts'

it('ends threads in the middle of what they do, and the process lives', async () => {
  const spec = { env: 'mec', edges: [3] } as const
  const { rowLength, contextLength } = problemOf(spec).encoding
  const shape = { rowLength, contextLength, hidden: 16, outputs: 1 }
  const network = { shape, weights: initialWeights(shape, new RandomStream(1), 1) }
  const options = { seed: 1, firstEpisode: 0, episodes: 10_000 }
  const collectors = new Collectors(spec, 2)
  const short = await collectors.ask({
    kind: 'labels',
    base: network,
    student: network,
    options: { ...options, episodes: 1 },
  })
  expect(short.candidates.length).toBeGreaterThan(0)
  const jobs = [
    collectors.ask({ kind: 'labels', base: network, student: network, options }),
    collectors.ask({ kind: 'labels', student: network, options }),
  ]
  const outcomes = Promise.allSettled(jobs)
  // Two threads have two jobs, and this one waits.
  const late = collectors.ask({ kind: 'labels', student: network, options })
  await collectors.dispose()
  await expect(late).rejects.toMatchObject({ code: 'COLLECTOR_DIED' })
  for (const outcome of await outcomes) expect(outcome).toMatchObject({ reason: { code: 'COLLECTOR_DIED' } })
})
