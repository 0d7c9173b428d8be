import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import {
  type ForkableEnvironment,
  MecEnvironment,
  type MecObservation,
  RandomStream,
  SplitEnvironment,
} from './index.ts'
import { TangWongEnvironment } from './tang-wong/index.ts'

/** What counts of an observation: queues are compared job by job, not with what lies beyond the jobs. */
function digest(observation: unknown): string {
  const { queues, ...rest } = observation as Partial<MecObservation>
  if (!queues) return JSON.stringify(observation)
  const { servers, capacity, jobs, uploads, leftBits, uploadLeftS } = queues
  const places = Array.from({ length: servers }, (_, server) => {
    const from = server * capacity
    return [
      [...leftBits.subarray(from, from + jobs[server]!)],
      [...uploadLeftS.subarray(from, from + uploads[server]!)],
    ]
  })
  return JSON.stringify([places, { ...rest, rateBps: [...rest.rateBps!] }])
}

const kinds: [string, () => ForkableEnvironment<unknown>][] = [
  ['mec', () => new MecEnvironment() as ForkableEnvironment<unknown>],
  [
    'mec with slow uploads',
    () => new MecEnvironment({ channel: 'shannon', meanTaskBits: 3e5 }) as ForkableEnvironment<unknown>,
  ],
  ['tang-wong', () => new TangWongEnvironment({ devices: 8, fogs: 2 }) as ForkableEnvironment<unknown>],
  ['split', () => new SplitEnvironment({ arrivals: 'poisson', credits: 2 }) as ForkableEnvironment<unknown>],
]

/** Some steps of random valid actions; what was seen. */
function play(environment: ForkableEnvironment<unknown>, seed: number, steps: number): string {
  const random = new RandomStream(seed)
  const mask = new Uint8Array(environment.actionCount)
  const seen = createHash('sha256')
  for (let step = 0; step < steps; step++) {
    environment.validActions(mask)
    const valid = [...mask.keys()].filter((action) => mask[action] === 1)
    const { reward, observation } = environment.step(valid[random.below(valid.length)]!)
    seen.update(reward.join()).update(digest(observation))
  }
  return seen.digest('hex')
}

describe.each(kinds)('forks of %s', (_, make) => {
  it('see what the origin sees, and leave it as it is', () => {
    const origin = make()
    const untouched = make()
    const fork = make()
    for (let seed = 0; seed < 6; seed++) {
      origin.reset({ seed })
      untouched.reset({ seed })
      play(origin, seed, 30)
      play(untouched, seed, 30)
      fork.forkFrom(origin, 77)
      expect(digest(fork.observation)).toBe(digest(origin.observation))
      play(fork, 3, 20)
      expect(play(origin, 4, 20)).toEqual(play(untouched, 4, 20))
    }
  })

  it('meet the same future for the same seed', () => {
    const origin = make()
    const forks = [make(), make()]
    origin.reset({ seed: 5 })
    play(origin, 5, 25)
    const futures = forks.map((fork) => {
      fork.forkFrom(origin, 9)
      return play(fork, 6, 40)
    })
    expect(futures[0]).toEqual(futures[1])
    forks[0]!.forkFrom(origin, 10)
    expect(play(forks[0]!, 6, 40)).not.toEqual(futures[0])
    // A fork can begin an episode of its own, and the origin does not notice.
    forks[0]!.reset({ seed: 8 })
    forks[1]!.reset({ seed: 8 })
    expect(play(forks[0]!, 8, 40)).toEqual(play(forks[1]!, 8, 40))
    forks[1]!.forkFrom(origin, 9)
    expect(play(forks[1]!, 6, 40)).toEqual(futures[0])
  })
})

it('tasks that are recorded are not left to chance: all forks meet them', () => {
  const recordedMbit = Float64Array.from({ length: 30 * 4 }, (_, at) => (at < 20 * 4 ? 2 + (at % 7) / 2 : 0))
  const make = () =>
    new TangWongEnvironment({ devices: 4, slots: 30, recordedMbit }) as ForkableEnvironment<unknown>
  const origin = make()
  origin.reset({ seed: 1 })
  play(origin, 1, 10)
  const futures = [5, 6].map((seed) => {
    const fork = make()
    fork.forkFrom(origin, seed)
    return play(fork, 2, 60)
  })
  expect(futures[1]).toEqual(futures[0])
})

it.each<[string, () => void]>([
  ['slots', () => new MecEnvironment({ slots: 9 }).forkFrom(new MecEnvironment(), 1)],
  ['users', () => new MecEnvironment({ users: 3 }).forkFrom(new MecEnvironment(), 1)],
  ['edges', () => new MecEnvironment({ edges: 12 }).forkFrom(new MecEnvironment(), 1)],
  ['servers', () => new SplitEnvironment({ servers: [{}] }).forkFrom(new SplitEnvironment(), 1)],
  ['fogs', () => new TangWongEnvironment({ fogs: 2 }).forkFrom(new TangWongEnvironment(), 1)],
  [
    'deadlineSlots',
    () => new TangWongEnvironment({ deadlineSlots: 5 }).forkFrom(new TangWongEnvironment(), 1),
  ],
  ['traces', () => new SplitEnvironment({ traces: [steady] }).forkFrom(new SplitEnvironment(), 1)],
])('an environment of other %s is no fork', (what, fork) => {
  expect(fork).toThrow(
    expect.objectContaining({ code: 'BAD_OPTION', message: expect.stringContaining(what) }),
  )
})

const steady = { atS: Float64Array.of(0), rateBps: Float64Array.of(1e6), durationS: 10 }
