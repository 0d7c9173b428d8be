import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { connectDevice, type Device } from '@isthmus/device-sdk'
import type { DeviceOrder, DeviceReport } from './device-orders.ts'
import { threadIds } from './run-queue.ts'
import { machineMs, type Stall } from './stalls.ts'

// The device of the tests: a process of its own that keeps records of what it was answered, and when.

const stalls: Stall[] = []
const bystander = new Worker(new URL('stall-thread.js', import.meta.url))
bystander.on('message', (stall: Stall) => stalls.push(stall))
const eventLoop = monitorEventLoopDelay({ resolution: 1 })

const answersSeen = new Map<number, number>()
let device: Device
let index = 0

type OrderOf<Kind extends DeviceOrder['kind']> = Extract<DeviceOrder, { kind: Kind }>

async function connect({ options }: OrderOf<'connect'>): Promise<DeviceReport> {
  await once(bystander, 'online')
  // Starts the pool of threads for files, which is not the device's.
  await readFile(fileURLToPath(import.meta.url))
  const others = new Set(threadIds())
  device = await connectDevice({ ...options, reconnect: { minMs: 50, maxMs: 200 } })
  // The thread of the timers, and those that run the models.
  const models = threadIds().filter((thread) => !others.has(thread))
  bystander.postMessage([`${process.pid}`, ...models])
  device.answers$.subscribe(({ frame }) => answersSeen.set(frame, (answersSeen.get(frame) ?? 0) + 1))
  return { kind: 'server', ready: await device.waitForServer(20_000) }
}

async function stream({ frames, intervalMs, mode }: OrderOf<'stream'>): Promise<DeviceReport> {
  eventLoop.enable()
  const startMs = machineMs()
  const answers: Promise<void>[] = []
  for (let frame = 0; frame < frames; frame++) {
    await sleep(Math.max(0, startMs + frame * intervalMs - machineMs()))
    answers.push(ask(mode))
  }
  await Promise.all(answers)
  eventLoop.disable()
  // A stall that has just ended is told of a little later.
  await sleep(50)
  return { kind: 'streamed', stalls: stalls.splice(0), eventLoopMaxMs: eventLoop.max / 1e6 }
}

async function ask(mode: number): Promise<void> {
  const data = Uint8Array.from({ length: 48 }, (_, i) => (index * 31 + i * 7) & 255)
  const record = { index: index++, askedMs: machineMs() }
  const { route, fallback, frame } = await device.infer({ data, width: 4, height: 4 }, { mode })
  report({ kind: 'answered', record: { ...record, answeredMs: machineMs(), route, fallback, frame } })
}

function carryOut(order: DeviceOrder): Promise<DeviceReport> | DeviceReport {
  if (order.kind === 'connect') return connect(order)
  if (order.kind === 'stream') return stream(order)
  if (order.kind === 'wait') return device.waitForServer(20_000).then((ready) => ({ kind: 'server', ready }))
  if (order.kind === 'shift wall clock') {
    const honest = Date.now.bind(Date)
    Date.now = () => honest() + order.ms
    return { kind: 'shifted' }
  }
  return { kind: 'stats', stats: device.stats, answersSeen: [...answersSeen.values()] }
}

function report(what: DeviceReport): void {
  process.send?.(what)
}

process.on('message', async (order: DeviceOrder) => {
  try {
    report(await carryOut(order))
  } catch (error) {
    report({ kind: 'failed', message: String((error as Error).stack) })
  }
})
process.on('disconnect', () => process.exit(0))
