// Two further questions on one latent, answered by wider or narrower decoders as they matter more or less:
//   node examples/dist/two-tasks.js [--bundles DIR] [--frames N] [--macs N]

import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { connectDevice } from '@isthmus/device-sdk'
import { startEdge } from '@isthmus/edge-server'
import { cifar10Labels } from '@isthmus/models/data'
import { bundlesFolder } from './bundles-folder.ts'
import { testPhotographs } from './photographs.ts'

const { values } = parseArgs({
  options: {
    bundles: { type: 'string', default: join(bundlesFolder(), 'cifar10') },
    frames: { type: 'string', default: '300' },
    macs: { type: 'string', default: '800000' },
  },
})
const bundle = values.bundles
const edge = await startEdge({ bundles: bundle, mqttPort: 0, wsPort: 'off', httpPort: 0, logLevel: 'warn' })
const broker = `mqtt://127.0.0.1:${edge.ports.mqttPort}`
const device = await connectDevice({ id: 'curious', broker, bundle, deadlineMs: 1000, waitForServerMs: 3000 })
const { frames, labels } = await testPhotographs(Number(values.frames))
const animals = ['bird', 'cat', 'deer', 'dog', 'frog', 'horse']
const truth = (label: number): Record<string, string> => {
  const name = cifar10Labels[label]!
  return { class: name, coarse: animals.includes(name) ? 'animal' : 'vehicle' }
}

for (const preference of [
  { class: 0.9, coarse: 0.1 },
  { class: 0.1, coarse: 0.9 },
]) {
  device.tasks = { preference, macs: Number(values.macs) }
  const seen: Record<string, { width: number; right: number; frames: number }> = {}
  for (const [at, frame] of frames.entries()) {
    const { tasks = {} } = await device.infer(frame, { route: 'split' })
    for (const [task, { width, top }] of Object.entries(tasks)) {
      seen[task] ??= { width, right: 0, frames: 0 }
      seen[task].frames++
      if (top[0]!.label === truth(labels[at]!)[task]) seen[task].right++
    }
  }
  const said = Object.entries(seen).map(
    ([task, { width, right, frames: of }]) =>
      `${task} at width ${width}: ${((100 * right) / of).toFixed(1)} % right`,
  )
  console.log(`preference ${JSON.stringify(preference)}: ${said.join('; ')}`)
}

await device.close()
await edge.close()
