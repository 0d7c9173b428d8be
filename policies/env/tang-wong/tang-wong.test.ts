import { describe, expect, it } from 'vitest'
import { allLocal, Myopic, oneFog, randomFog, randomPlace } from '../../heuristics/index.ts'
import { checkEnvironment, type EnvironmentPolicy } from '../index.ts'
import { TangWongEnvironment, type TangWongObservation, type TangWongOptions } from './index.ts'

type Rule = EnvironmentPolicy<TangWongObservation>

/** The draws of Matsumoto and Nishimura's MT19937 as numpy's RandomState(seed).uniform has them. */
function numpyUniform(seed: number): () => number {
  const state = new Uint32Array(624)
  state[0] = seed
  for (let at = 1; at < 624; at++) {
    state[at] = Math.imul(1812433253, state[at - 1]! ^ (state[at - 1]! >>> 30)) + at
  }
  let next = 624
  const word = () => {
    if (next === 624) {
      for (let at = 0; at < 624; at++) {
        const y = (state[at]! & 0x80000000) | (state[(at + 1) % 624]! & 0x7fffffff)
        state[at] = state[(at + 397) % 624]! ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0)
      }
      next = 0
    }
    let y = state[next++]!
    y ^= y >>> 11
    y ^= (y << 7) & 0x9d2c5680
    y ^= (y << 15) & 0xefc60000
    return (y ^ (y >>> 18)) >>> 0
  }
  return () => ((word() >>> 5) * 67108864 + (word() >>> 6)) / 9007199254740992
}

/** The tasks that the published rows were measured on. */
function publishedTasks(seed: number, chance: number): Float64Array {
  const uniform = numpyUniform(seed)
  const mbit = Float64Array.from({ length: 110 * 50 }, () => 2 + 3 * uniform())
  return mbit.map((size, at) => (uniform() < chance && at < 100 * 50 ? size : 0))
}

function play(environment: TangWongEnvironment, policy: Rule, seed: number) {
  const { observation, info } = environment.reset({ seed })
  policy.begin(seed)
  while (!environment.step(policy.act(observation, [0.5, 0.5])).terminated);
  return { tasks: info.tasks, done: info.done, dropped: info.dropped, delaySlots: info.delaySlots }
}

/** Drop ratio and mean delay of seeds 0 … 9, and the standard error of the difference of two such ratios. */
function row(policy: Rule, chance: number) {
  const outcomes = Array.from({ length: 10 }, (_, seed) =>
    play(new TangWongEnvironment({ recordedMbit: publishedTasks(seed, chance) }), policy, seed + 1000),
  )
  const sum = (key: keyof (typeof outcomes)[number]) =>
    outcomes.reduce((total, outcome) => total + outcome[key], 0)
  const error = (values: number[]) => {
    const mean = values.reduce((a, b) => a + b) / 10
    return Math.sqrt((2 * values.reduce((total, value) => total + (value - mean) ** 2, 0)) / 90)
  }
  return {
    drop: sum('dropped') / sum('tasks'),
    dropError: error(outcomes.map(({ dropped, tasks }) => dropped / tasks)),
    delay: sum('delaySlots') / sum('done'),
    delayError: error(outcomes.map(({ delaySlots, done }) => delaySlots / done)),
  }
}

describe('the published heuristics', () => {
  it.each([
    ['all local', 0.1, 0.0666, 5.54, allLocal()],
    ['all local', 0.3, 0.5285, 7.427, allLocal()],
    ['all local', 0.5, 0.8324, 8.174, allLocal()],
    ['one fog', 0.3, 0.9595, 8.691, oneFog()],
  ])('%s, arrivals %f: the same tasks end the same', (_, chance, drop, delay, policy) => {
    const measured = row(policy, chance)
    expect(Math.abs(measured.drop - drop)).toBeLessThan(0.0001)
    expect(Math.abs(measured.delay - delay)).toBeLessThan(0.0015)
  })

  it.each([
    ['random fog', 0.1, 0.0049, 4.509, randomFog()],
    ['random fog', 0.3, 0.2368, 6.622, randomFog()],
    ['random fog', 0.5, 69.3e-2, 7.98, randomFog()],
    ['random', 0.1, 0.0035, 4.454, randomPlace()],
    ['random', 0.3, 0.1011, 5.891, randomPlace()],
    ['random', 0.5, 43.43e-2, 6.871, randomPlace()],
  ])('%s, arrivals %f: within three standard errors', (_, chance, drop, delay, policy) => {
    const measured = row(policy, chance)
    expect(Math.abs(measured.drop - drop)).toBeLessThan(3 * measured.dropError)
    expect(Math.abs(measured.delay - delay)).toBeLessThan(3 * measured.delayError)
  })

  it('run to the same fog when each looks for its own best: worse than chance', () => {
    const myopic = new Myopic()
    expect(row(myopic, 0.3).drop).toBeGreaterThan(row(randomPlace(), 0.3).drop + 0.01)
    expect(myopic.evaluations % 6).toBe(0)
  })
})

describe('tang-wong', () => {
  it('keeps what the interface promises', () => {
    for (const options of [
      { slots: 13 },
      { devices: 3, fogs: 2, slots: 30 },
      { arrivalChance: 0, slots: 20 },
    ]) {
      expect(checkEnvironment(() => new TangWongEnvironment(options), { episodes: 2 })).toEqual([])
    }
  })

  it('tells of each task once, whose it was and how long it took, and pays for just that', () => {
    const environment = new TangWongEnvironment()
    const { observation, info } = environment.reset({ seed: 4 })
    const open = new Map<string, number>()
    const policy = randomPlace()
    policy.begin(4)
    let delay = 0
    let drop = 0
    for (let terminated = false; !terminated; ) {
      open.set(`${observation.device} ${observation.slot}`, observation.slot)
      const { reward, ...step } = environment.step(policy.act(observation, [1, 0]))
      delay += reward[0]!
      drop += reward[1]!
      for (let at = 0; at < info.ended; at++) {
        expect(open.delete(`${info.endedDevice[at]} ${info.endedBornSlot[at]}`)).toBe(true)
        expect(info.endedDelaySlots[at]).toBeLessThanOrEqual(10)
      }
      terminated = step.terminated
    }
    expect(open.size).toBe(0)
    expect([delay, drop]).toEqual([-info.delaySlots, -20 * info.dropped])
    expect(info.done + info.dropped).toBe(info.tasks)
    expect(info.dropped).toBeGreaterThan(0)
  })

  it('works a task off in upload and then service, shared with the other devices there', () => {
    // 2.8 Mbit upload in 2 slots; 14.07 Mbit a slot for 50 devices are 0.28 each: 8 slots would not do, 10 devices take 2.
    const recordedMbit = new Float64Array(20 * 10)
    recordedMbit.fill(2.8, 0, 10)
    const environment = new TangWongEnvironment({ devices: 10, slots: 20, recordedMbit })
    expect(play(environment, oneFog(2), 0)).toEqual({ tasks: 10, done: 10, dropped: 0, delaySlots: 10 * 4 })
    expect(play(environment, allLocal(), 0)).toEqual({ tasks: 10, done: 10, dropped: 0, delaySlots: 10 * 4 })
  })

  it.each<[TangWongOptions, string]>([
    [{ devices: 0 }, 'devices'],
    [{ slots: 10 }, 'slots'],
    [{ arrivalChance: 1.5 }, 'arrivalChance'],
    [{ taskMbit: [3, 2] }, 'taskMbit'],
    [{ uplinkMbps: Number.NaN }, 'uplinkMbps'],
    [{ recordedMbit: [1] }, 'recordedMbit'],
    [{ devices: 1, fogs: 1, slots: 11, recordedMbit: Array(11).fill(1) }, 'recordedMbit'],
    [{ fog: 3 } as TangWongOptions, 'fog'],
  ])('refuses %j and names the field', (options, field) => {
    expect(() => new TangWongEnvironment(options)).toThrow(
      expect.objectContaining({ code: 'BAD_OPTION', message: expect.stringContaining(field) }),
    )
  })
})
