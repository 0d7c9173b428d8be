import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { connectDevice, type Device } from '@isthmus/device-sdk'
import { weightedPolicy } from '@isthmus/policies/serve'
import type { Order, Report, Setting, StreamOrder } from './orders.ts'

// The device of the demo: a process of its own, which knows no more of the server than its address.

/** Time to find the server and to measure the link. */
const WAIT_FOR_SERVER_MS = 10_000

let setting: Setting

/** Connects anew for each stream, so that no route inherits what the one before has measured. */
async function stream(order: StreamOrder): Promise<void> {
  const { id, broker, bundle, deadlineMs } = setting
  const { preference } = order
  const reconnect = { minMs: 250, maxMs: 1000 }
  const weighing = preference ? { policy: weightedPolicy(), preference } : {}
  const device = await connectDevice({ id, broker, bundle, deadlineMs, reconnect, ...weighing })
  try {
    if (!(await device.waitForServer(WAIT_FOR_SERVER_MS))) {
      throw new Error('it did not find the server; is the link (--rate, --delay) too slow?')
    }
    report({ kind: 'begins' })
    const stalls = monitorEventLoopDelay({ resolution: 1 })
    stalls.enable()
    await takePhotographs(device, order)
    report({ kind: 'ended', longestStallMs: stalls.max / 1e6 })
    stalls.disable()
  } finally {
    await device.close()
  }
}

/** One every 1/fps seconds, however long the answers take. */
async function takePhotographs(device: Device, { frames, fps, ...plan }: StreamOrder): Promise<void> {
  const startMs = performance.now()
  const answers: Promise<void>[] = []
  for (let index = 0; index < frames; index++) {
    await sleep(Math.max(0, startMs + (1000 * index) / fps - performance.now()))
    answers.push(classify(device, index, startMs, plan))
  }
  await Promise.all(answers)
}

async function classify(
  device: Device,
  index: number,
  startMs: number,
  { route, mode }: Pick<StreamOrder, 'route' | 'mode'>,
): Promise<void> {
  const photograph = setting.frames[index % setting.frames.length]!
  const plan = { ...(route ? { route } : {}), ...(mode === undefined ? {} : { mode }) }
  const beganMs = performance.now()
  const { top, bytesUp, stages, fallback, ...answer } = await device.infer(photograph, plan)
  const nowMs = performance.now()
  report({
    kind: 'answered',
    index,
    atMs: nowMs - startMs,
    wallMs: nowMs - beganMs,
    label: top[0]?.label ?? '',
    route: answer.route,
    mode: answer.mode,
    bytesUp,
    stages,
    fallback,
  })
}

function report(what: Report): void {
  process.send?.(what)
}

process.on('message', (order: Order) => {
  if (order.kind === 'set') setting = order
  else stream(order).catch((error: Error) => report({ kind: 'failed', message: error.message }))
})
// Without the demo there is nobody to work for.
process.on('disconnect', () => process.exit(0))
// Ctrl-C reaches the whole group: the demo itself decides what happens.
process.on('SIGINT', () => {})
