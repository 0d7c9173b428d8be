import { expect, test } from 'vitest'
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
