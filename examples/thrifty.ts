// A device that keeps frames to itself: animals are of interest, vehicles are not, and easy animals are named at once:
//   node examples/dist/thrifty.js [--bundles DIR] [--frames N]

import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { connectDevice } from '@isthmus/device-sdk'
import { startEdge } from '@isthmus/edge-server'
import type { Policy } from '@isthmus/policies'
import { bundlesFolder } from './bundles-folder.ts'
import { testPhotographs } from './photographs.ts'

const { values } = parseArgs({
  options: {
    bundles: { type: 'string', default: join(bundlesFolder(), 'cifar10') },
    frames: { type: 'string', default: '300' },
  },
})
const bundle = values.bundles
const edge = await startEdge({ bundles: bundle, mqttPort: 0, wsPort: 'off', httpPort: 0, logLevel: 'warn' })
// On a fast link the controller would send whole images; here every frame goes to the head, as on a slow one.
const policy: Policy = {
  decide: ({ modes }) => {
    const { mode } = modes.find(({ route }) => route === 'split')!
    return { route: 'split', mode, expectedMs: 0, reason: 'always split' }
  },
}
const broker = `mqtt://127.0.0.1:${edge.ports.mqttPort}`
const common = { broker, bundle, policy, deadlineMs: 1000, waitForServerMs: 3000 }
const { frames } = await testPhotographs(Number(values.frames))

for (const [id, gates] of [
  ['generous', {}],
  ['thrifty', { filter: true, exit: true }],
] as const) {
  const device = await connectDevice({ id, ...common, ...gates })
  let bytes = 0
  for (const frame of frames) bytes += (await device.infer(frame)).bytesUp
  const { answered, exits } = device.stats
  console.log(
    `${id}: ${answered.skip} frames skipped, ${exits} answered by the exit, ${answered.split} by the server; ${Math.round(bytes / frames.length)} bytes a frame`,
  )
  await device.close()
}
await edge.close()
