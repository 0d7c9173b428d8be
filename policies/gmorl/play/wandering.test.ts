import { expect, it } from 'vitest'
import { RandomStream } from '../../env/index.ts'
import { Wandering } from './wandering.ts'

const open = new Float32Array(4)

it('goes on with one random action for a while, mostly short, now and then far', () => {
  const wanderer = new Wandering(new RandomStream(1), 0.1)
  const lengths: number[] = []
  let last: number | undefined
  for (let episode = 0; episode < 2000; episode++) {
    wanderer.begin()
    last = undefined
    for (let step = 0; step < 40; step++) {
      const action = wanderer.next(open, 4)
      if (action !== undefined && action === last) lengths.push(lengths.pop()! + 1)
      else if (action !== undefined) lengths.push(1)
      last = action
    }
  }
  const far = lengths.filter((length) => length >= 10).length / lengths.length
  const single = lengths.filter((length) => length === 1).length / lengths.length
  // A run has n steps or more with probability 1 / n; the ends of episodes cut some short.
  expect(single).toBeGreaterThan(0.4)
  expect(single).toBeLessThan(0.6)
  expect(far).toBeGreaterThan(0.05)
  expect(far).toBeLessThan(0.15)
})

it('leaves all to the policy where it may not wander, and chance as it is', () => {
  const random = new RandomStream(2)
  const wanderer = new Wandering(random, 0)
  wanderer.begin()
  for (let step = 0; step < 100; step++) expect(wanderer.next(open, 4)).toBeUndefined()
  expect(random.uniform()).toBe(new RandomStream(2).uniform())
})

it('never takes what is not there or may not be taken', () => {
  const wanderer = new Wandering(new RandomStream(3), 1)
  wanderer.begin()
  const scores = Float32Array.of(0, -Infinity, 0, 0)
  for (let step = 0; step < 1000; step++) {
    const candidates = 1 + (step % 4)
    const action = wanderer.next(scores, candidates)
    expect(action).not.toBe(1)
    if (action !== undefined) expect(action).toBeLessThan(candidates)
  }
})
