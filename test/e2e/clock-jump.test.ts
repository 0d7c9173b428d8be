import { afterAll, expect, it } from 'vitest'
import { DeviceProcess } from './device-process.ts'
import { EdgeDaemon } from './edge-daemon.ts'
import { lateByMs, TOLERANCE_MS } from './lateness.ts'
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
  const deadlineMs = 200
  device = await DeviceProcess.start({ id: 'cam-1', broker, bundle: dir, deadlineMs })
  const hourMs = 3_600_000
  for (const jumpMs of [0, hourMs, -3 * hourMs]) {
    await device.shiftWallClock(jumpMs)
    await device.stream(60, 20, modes.split)
  }
  const { answers, stalls } = device
  expect(answers).toHaveLength(180)
  expect(answers.filter((answer) => lateByMs(answer, deadlineMs, stalls) > TOLERANCE_MS)).toEqual([])
  expect(answers.filter(({ route }) => route === 'split').length).toBeGreaterThan(150)
  const lost = answers.filter(({ fallback }) => fallback === 'OFFLINE' || fallback === 'CONNECTION_LOST')
  expect(lost).toEqual([])
  expect(await edge.metric('errors_total')).toBe(0)
})
