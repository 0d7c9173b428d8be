import { afterAll, expect, it } from 'vitest'
import { DeviceProcess } from './device-process.ts'
import { EdgeDaemon } from './edge-daemon.ts'
import { modes, writeTinyBundle } from './tiny-bundle.ts'

let edge: EdgeDaemon | undefined
let device: DeviceProcess | undefined

afterAll(async () => {
  await device?.end()
  await edge?.kill()
})

it('a device whose wall clock jumps by hours is served on, over the connection that it has', async () => {
  const { dir } = await writeTinyBundle()
  edge = await EdgeDaemon.start(dir, ['--mqtt-port', '0'])
  const broker = `mqtt://127.0.0.1:${edge.mqttPort}`
  device = await DeviceProcess.start({ id: 'cam-1', broker, bundle: dir, deadlineMs: 500 })
  const hourMs = 3_600_000
  for (const jumpMs of [0, hourMs, -3 * hourMs]) {
    await device.shiftWallClock(jumpMs)
    await device.stream(60, 20, modes.split)
  }
  const { answers } = device
  expect(answers).toHaveLength(180)
  expect(answers.filter(({ route }) => route === 'split').length).toBeGreaterThan(150)
  const lost = answers.filter(({ fallback }) => fallback === 'OFFLINE' || fallback === 'CONNECTION_LOST')
  expect(lost).toEqual([])
  // A starved machine may let requests expire; a jump must bring no other error.
  const expired = await edge.metric('errors_total', { code: 'EXPIRED' })
  expect((await edge.metric('errors_total')) - expired).toBe(0)
})
