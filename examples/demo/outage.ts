import { setTimeout as sleep } from 'node:timers/promises'
import { fallbacks } from '@isthmus/device-sdk'
import type { DeviceProcess } from './device-process.ts'
import { EdgeProcess } from './edge-process.ts'
import type { DemoOptions } from './options.ts'
import type { Answered } from './orders.ts'
import { fallbackCounts, fromServer } from './routes.ts'
import { paint, print, show } from './screen.ts'
import { bars, marks } from './timeline.ts'

/** A stream in whose middle the server was gone. */
export interface Outage {
  readonly answers: readonly Answered[]
  readonly frames: number
  readonly longestStallMs: number
  /** When the server was killed and when it was back, in ms from the start of the stream. */
  readonly killedMs: number
  readonly backMs: number
  readonly edge: EdgeProcess
}

/** Answers may come so long after the deadline. */
const TOLERANCE_MS = 5
const SLICES = 72

/** Streams frames, kills the server after a third of them and starts it again after a half. */
export async function playOutage(
  device: DeviceProcess,
  edge: EdgeProcess,
  bundle: string,
  { outageFrames: frames, fps }: DemoOptions,
): Promise<Outage> {
  const answers: Answered[] = []
  let begin: () => void = () => {}
  const begun = new Promise<void>((resolve) => {
    begin = resolve
  })
  const stream = device.stream(
    { frames, fps },
    {
      onBegin: begin,
      onAnswer: (answered) => {
        answers.push(answered)
        show(`  ${answers.length}/${frames}  from the ${fromServer(answered) ? 'server' : 'device'}`)
      },
    },
  )
  const broken = begun.then(() => killAndRestart(edge, bundle, (1000 * frames) / fps))
  const [{ longestStallMs }, times] = await Promise.all([stream, broken])
  return { answers, frames, longestStallMs, ...times }
}

async function killAndRestart(edge: EdgeProcess, bundle: string, streamMs: number) {
  const startMs = performance.now()
  await sleep(streamMs / 3)
  await edge.kill()
  const killedMs = performance.now() - startMs
  await sleep(streamMs / 6)
  const again = await EdgeProcess.start(bundle, edge.mqttPort)
  return { killedMs, backMs: performance.now() - startMs, edge: again }
}

/** Prints where the answers came from over time, and whether the promise was kept. Returns whether it was. */
export function tellOutage(outage: Outage, { deadlineMs, fps }: DemoOptions): boolean {
  const { answers, frames, killedMs, backMs, longestStallMs } = outage
  const totalMs = Math.max(...answers.map(({ atMs }) => atMs), backMs)
  const perSlice = (fps * totalMs) / 1000 / SLICES
  const row = (title: string, of: readonly Answered[]) => {
    const times = of.map(({ atMs }) => atMs)
    return `  ${title}  ${bars(times, totalMs, SLICES, perSlice)}  ${of.length}`
  }
  const remote = answers.filter(fromServer)
  const local = answers.filter((answered) => !fromServer(answered))
  print(paint('green', row('server', remote)))
  print(paint('yellow', row('device', local)))
  const events = [['|killed', killedMs] as const, ['|back', backMs] as const]
  print(paint('dim', `          ${marks(events, totalMs, SLICES)}`))
  print()

  const answered = new Set(answers.map(({ index }) => index))
  const slowestMs = Math.max(...answers.map(({ wallMs }) => wallMs))
  const late = answers.filter(({ wallMs }) => wallMs > deadlineMs + TOLERANCE_MS).length
  const twice = answers.length - answered.size
  print(`  ${frames} frames, ${answered.size} answered, ${twice} answered twice.`)
  print(
    `  Later than ${deadlineMs} + ${TOLERANCE_MS} ms: ${late}. The slowest answer took ${slowestMs.toFixed(1)} ms.` +
      (late > 0 ? ` The device process itself stood still for up to ${longestStallMs.toFixed(0)} ms.` : ''),
  )
  for (const [code, count] of fallbackCounts(answers)) {
    print(paint('dim', `  ${count} from the device: ${fallbacks[code]}`))
  }
  return answered.size === frames && twice === 0
}
