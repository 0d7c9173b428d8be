import type { FleetOrder, FleetReport } from './fleet.ts'
import { LightDevice } from './light-device.ts'

// A process of its own for all devices, as they would be other machines: commands come from the parent.

const [url, count] = process.argv.slice(2) as [string, string]
const devices = await Promise.all(
  Array.from({ length: Number(count) }, (_, at) => LightDevice.connect(url, `light-${at}`)),
)
const after = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

async function run({
  bundle,
  rampMs,
  durationMs,
}: Extract<FleetOrder, { kind: 'run' }>): Promise<FleetReport> {
  for (const device of devices) device.start(bundle)
  await after(rampMs)
  for (const device of devices) device.reset()
  const startMs = performance.now()
  await after(durationMs)
  const elapsedMs = performance.now() - startMs
  const tallies = devices.map(({ tally }) => tally)
  await Promise.all(devices.map((device) => device.stop()))
  const errors: Record<string, number> = {}
  for (const tally of tallies) {
    for (const [code, times] of Object.entries(tally.errors)) errors[code] = (errors[code] ?? 0) + times
  }
  const answered = tallies.map((tally) => tally.answered)
  return { answered, errors, elapsedMs }
}

process.on('message', async (order: FleetOrder) => {
  if (order.kind === 'run') {
    process.send!(await run(order))
    return
  }
  await Promise.all(devices.map((device) => device.close()))
  process.disconnect()
})
process.send!('ready')
