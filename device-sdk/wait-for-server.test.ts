import { expect, test } from 'vitest'
import { systemClock } from './clock.ts'
import { ServerWait } from './server-wait.ts'
import { World } from './world.test.kit.ts'

test('all who wait for a server hear of it, and of the end of the device', async () => {
  const world = await World.create({}, false)
  const waits = [world.device.waitForServer(5000), world.device.waitForServer(60_000)]
  await world.clock.advance(100)
  world.connect()
  world.announce()
  await world.clock.advance(1000)
  expect(await world.clock.until(Promise.all(waits), 1)).toEqual([true, true])

  world.disconnect()
  const last = world.device.waitForServer(60_000)
  await world.device.close()
  expect(await world.clock.until(last, 1)).toBe(false)
  expect(await world.clock.until(world.device.waitForServer(60_000), 1)).toBe(false)
})

test('who would wait longer than a timer can waits until it is so', async () => {
  let isReady = false
  const waits = new ServerWait(systemClock, () => isReady)
  const ended: boolean[] = []
  const all = [Number.POSITIVE_INFINITY, 2 ** 31].map((waitMs) =>
    waits.wait(waitMs).then((found) => ended.push(found)),
  )
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(ended).toEqual([])
  isReady = true
  waits.look()
  await Promise.all(all)
  expect(ended).toEqual([true, true])
})
