// The edge server inside a program of your own, and a device that uses it:
//   node examples/dist/embedded-edge.js [--bundles DIR]

import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { connectDevice } from '@isthmus/device-sdk'
import { startEdge } from '@isthmus/edge-server'
import { bundlesFolder } from './bundles-folder.ts'
import { testPhotographs } from './photographs.ts'

const { values } = parseArgs({
  options: { bundles: { type: 'string', default: join(bundlesFolder(), 'cifar10') } },
})
const bundle = values.bundles

// Settings have the names of the configuration file (isthmus-edge --help); port 0 takes a free one.
const edge = await startEdge({ bundles: bundle, mqttPort: 0, wsPort: 'off', httpPort: 0, logLevel: 'warn' })
const { mqttPort, httpPort } = edge.ports
console.log(`MQTT on port ${mqttPort}, metrics at http://127.0.0.1:${httpPort}/metrics`)

const broker = `mqtt://127.0.0.1:${mqttPort}`
const device = await connectDevice({ id: 'inside', broker, bundle, deadlineMs: 1000, waitForServerMs: 3000 })
const { frames } = await testPhotographs(10)
for (const frame of frames) {
  const { top, route, stages } = await device.infer(frame, { route: 'split' })
  console.log(
    `${top[0]?.label} by route ${route}: head ${stages.headMs.toFixed(1)} ms, tail ${stages.tailMs.toFixed(1)} ms`,
  )
}
console.log(`The server answered ${await edge.metrics.value('replies_total', { route: 'split' })} frames.`)

await device.close()
await edge.close()
