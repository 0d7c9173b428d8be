import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DeviceProcess } from './device-process.ts'
import { EdgeDaemon } from './edge-daemon.ts'
import { lateByMs, TOLERANCE_MS } from './lateness.ts'
import { Mosquitto, mosquittoInstalled } from './mosquitto.ts'
import { modes, type TinyBundle, writeTinyBundle } from './tiny-bundle.ts'

let tiny: TinyBundle
const running: { end(): unknown }[] = []
const ending = <T extends object>(part: T, end: (part: T) => unknown): T => {
  running.push({ end: () => end(part) })
  return part
}

beforeAll(async () => {
  tiny = await writeTinyBundle()
})
afterAll(async () => {
  for (const { end } of running) await end()
})

/** What is killed, and how it comes back. */
interface World {
  readonly broker: string
  kill(): Promise<void>
  restart(): Promise<void>
}

const edge = async (flags: readonly string[]) =>
  ending(await EdgeDaemon.start(tiny.dir, flags), (daemon) => daemon.kill())

async function brokerInside(): Promise<World> {
  const daemon = await edge(['--mqtt-port', '0'])
  return {
    broker: `mqtt://127.0.0.1:${daemon.mqttPort}`,
    kill: async () => {
      // Requests are with it when it dies.
      daemon.freeze()
      await sleep(50)
      await daemon.kill()
    },
    restart: async () => void (await edge(['--mqtt-port', `${daemon.mqttPort}`])),
  }
}

const mosquitto = async (port?: number) => ending(await Mosquitto.start(port), (broker) => broker.kill())

async function serverBehindMosquitto(): Promise<World> {
  const { port } = await mosquitto()
  const broker = `mqtt://127.0.0.1:${port}`
  const daemon = await edge(['--broker', broker])
  return {
    broker,
    kill: async () => {
      daemon.freeze()
      await sleep(50)
      await daemon.kill()
    },
    restart: async () => void (await edge(['--broker', broker])),
  }
}

async function mosquittoItself(): Promise<World> {
  const broker = await mosquitto()
  const url = `mqtt://127.0.0.1:${broker.port}`
  await edge(['--broker', url])
  return { broker: url, kill: () => broker.kill(), restart: async () => void (await mosquitto(broker.port)) }
}

const DEADLINE_MS = 100
const EVERY_MS = 10

const worlds = [
  { what: 'the server with the broker inside', needsMosquitto: false, open: brokerInside },
  { what: 'the server, Mosquitto staying up', needsMosquitto: true, open: serverBehindMosquitto },
  { what: 'Mosquitto, the server staying up', needsMosquitto: true, open: mosquittoItself },
]

describe.each(worlds)('500 frames while $what is killed and started again', ({ needsMosquitto, open }) => {
  it.skipIf(needsMosquitto && !mosquittoInstalled)('are all answered, in time, once each', async () => {
    const world = await open()
    const device = ending(
      await DeviceProcess.start({
        id: 'cam-1',
        broker: world.broker,
        bundle: tiny.dir,
        deadlineMs: DEADLINE_MS,
      }),
      (process) => process.end(),
    )
    const stream = (frames: number) => device.stream(frames, EVERY_MS, modes.split)
    await Promise.all([stream(200), device.answered(100).then(() => world.kill())])
    await Promise.all([stream(150), device.answered(250).then(() => world.restart())])
    expect(await device.waitForServer()).toBe(true)
    await stream(150)

    const { answers, stalls } = device
    expect(answers.map(({ index }) => index).sort((a, b) => a - b)).toEqual([...Array(500).keys()])
    const { stats, answersSeen } = await device.stats()
    expect(stats).toMatchObject({ frames: 500, failed: 0 })
    expect(answersSeen).toEqual(Array(500).fill(1))

    const late = answers.filter((answer) => lateByMs(answer, DEADLINE_MS, stalls) > TOLERANCE_MS)
    const asMeasured = answers.filter((answer) => lateByMs(answer, DEADLINE_MS, []) > TOLERANCE_MS)
    if (asMeasured.length > 0) {
      const delays = `its event loop was held up for ${device.eventLoopMaxMs.toFixed(0)} ms at most`
      console.log(`${asMeasured.length} answers late by the clock, ${late.length} by the device; ${delays}`)
    }
    const details = late.map((answer) => ({ ...answer, lateMs: lateByMs(answer, DEADLINE_MS, stalls) }))
    expect(details).toEqual([])

    const fromServer = (first: number, end: number) =>
      answers.filter(({ index, route }) => index >= first && index < end && route === 'split').length
    expect(fromServer(0, 100)).toBeGreaterThan(50)
    expect(fromServer(120, 240)).toBeLessThan(60)
    expect(fromServer(350, 500)).toBeGreaterThan(75)
  })
})
