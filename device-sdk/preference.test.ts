import { type Observation, type Preference, raspberryPiPower } from '@isthmus/policies'
import type { EnvironmentPolicy } from '@isthmus/policies/env'
import { fromEnvironmentPolicy, ShadowPlans, weightedPolicy } from '@isthmus/policies/serve'
import { expect, test } from 'vitest'
import { modes, World } from './world.test.kit.ts'

// In this world the local network is quickest (10 ms), the split answer most accurate, and sending the frame computes least.

async function infer(world: World) {
  const answer = await world.clock.until(world.device.infer(world.frame()))
  await world.clock.advance(50)
  return answer
}

async function modeOf(world: World): Promise<number> {
  return (await infer(world)).mode
}

test('a preference that changes while the device runs changes the plan of the next frame', async () => {
  const world = await World.create({ policy: weightedPolicy({ probeEvery: 0 }) })
  const { device } = world
  const chosen: number[] = []
  for (const preference of [{ delay: 1 }, { energy: 1 }, { accuracy: 1 }, { delay: 1 }]) {
    device.preference = preference
    for (let frame = 0; frame < 3; frame++) chosen.push(await modeOf(world))
  }
  const { local, split, edge } = modes
  expect(chosen).toEqual([local, edge, split, local].flatMap((mode) => [mode, mode, mode]))
  expect(device.stats).toMatchObject({ frames: 12, late: 0, failed: 0 })
})

test('two devices with different preferences answer the same frames in different ways', async () => {
  const play = async (preference: Preference) => {
    const world = await World.create({ policy: weightedPolicy(), rateBps: 200_000 })
    world.device.preference = preference
    let delayMs = 0
    let accurate = 0
    for (let frame = 0; frame < 20; frame++) {
      const { wallMs, route } = await infer(world)
      delayMs += wallMs
      if (route === 'split') accurate++
    }
    return { delayMs, accurate }
  }
  const quick = await play({ delay: 0.9, accuracy: 0.1 })
  const right = await play({ delay: 0.1, accuracy: 0.9 })
  expect(quick.delayMs).toBeLessThan(right.delayMs)
  expect(quick.accurate).toBeLessThan(right.accurate)
})

test('the power of the device decides what is thrifty: where sending is dear, it computes', async () => {
  const sendW = 10_000 * raspberryPiPower.sendW
  for (const [power, mode] of [
    [raspberryPiPower, modes.edge],
    [{ ...raspberryPiPower, sendW }, modes.local],
  ] as const) {
    const world = await World.create({ policy: weightedPolicy({ probeEvery: 0 }), power })
    world.device.preference = { energy: 1 }
    expect(await modeOf(world)).toBe(mode)
  }
})

test.each([
  [{ delay: -1 }, 'preference.delay'],
  [{ energy: Number.NaN }, 'preference.energy'],
  [{ accuracy: Infinity }, 'preference.accuracy'],
  [{ energi: 1 }, 'energi'],
  [undefined, 'preference'],
])('%j is refused when it is set, naming the weight, and the preference stays', async (wrong, field) => {
  const world = await World.create({ policy: weightedPolicy({ probeEvery: 0 }) })
  const { device } = world
  device.preference = { energy: 1 }
  expect(() => {
    device.preference = wrong as Preference
  }).toThrow(expect.objectContaining({ code: 'BAD_OPTIONS', message: expect.stringContaining(field) }))
  expect(await modeOf(world)).toBe(modes.edge)
})

test('a learned policy decides on the device; when it breaks, frames are answered all the same', async () => {
  let isBroken = false
  const learned: EnvironmentPolicy<Observation> = {
    name: 'learned',
    evaluations: 0,
    begin: () => {},
    act: ({ modes: list }, weights) => {
      if (isBroken) throw new Error('broken')
      return list.findIndex(({ mode }) => mode === (weights[1]! > 0.5 ? modes.edge : modes.local))
    },
  }
  const policy = fromEnvironmentPolicy(learned)
  const world = await World.create({ policy })
  world.device.preference = { energy: 1 }
  expect(await modeOf(world)).toBe(modes.edge)
  world.device.preference = { delay: 1 }
  expect(await infer(world)).toMatchObject({ mode: modes.local, reason: 'chosen by learned' })
  isBroken = true
  const answer = await infer(world)
  expect(answer).toMatchObject({ mode: modes.split, late: false })
  expect(answer.reason).toContain('learned could not say (threw)')
  expect(policy.counts).toMatchObject({ decisions: 3, fallbacks: 1, threw: 1 })
})

test('a shadow hears of each frame and changes none', async () => {
  const told: [number, number][] = []
  const shadow = fromEnvironmentPolicy<Observation>({
    name: 'new',
    evaluations: 0,
    begin: () => {},
    act: ({ modes: list }) => list.findIndex(({ mode }) => mode === modes.edge),
  })
  const policy = new ShadowPlans({
    policy: weightedPolicy(),
    shadow,
    onDecision: ({ plan, shadowPlan }) => told.push([plan.mode, shadowPlan.mode]),
  })
  const world = await World.create({ policy })
  world.device.preference = { delay: 1 }
  for (let frame = 0; frame < 3; frame++) expect(await modeOf(world)).toBe(modes.local)
  expect(told).toEqual(new Array(3).fill([modes.local, modes.edge]))
  expect(world.requests).toHaveLength(0)
})
