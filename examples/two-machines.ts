// What each mode of a bundle costs between this machine and a server, measured with real frames.
// On the server:  npx isthmus-edge --bundles models/bundles/cifar10 --host 0.0.0.0
// On the device:  node examples/dist/two-machines.js --broker mqtt://SERVER [--bundle DIR] [--frames N]

import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Answer, connectDevice } from '@isthmus/device-sdk'
import { loadBundle } from '@isthmus/models/bundle'
import { quantile } from '@isthmus/policies'
import { bundlesFolder } from './bundles-folder.ts'
import { testPhotographs } from './photographs.ts'

const { values } = parseArgs({
  options: {
    broker: { type: 'string', default: 'mqtt://127.0.0.1' },
    bundle: { type: 'string', default: join(bundlesFolder(), 'cifar10') },
    frames: { type: 'string', default: '30' },
  },
})

const { broker, bundle } = values
const { manifest } = await loadBundle(bundle, { only: [] })
const { frames } = await testPhotographs(Number(values.frames))
const device = await connectDevice({ id: `probe-${process.pid}`, broker, bundle, deadlineMs: 2000 })
try {
  if (!(await device.waitForServer(5000))) {
    console.error(
      `No server with this bundle at ${broker}; is it started with --host 0.0.0.0, and port 1883 open?`,
    )
    process.exitCode = 1
  } else {
    for (const { id, name } of manifest.modes) show(name, await ask(id))
    show('the device decides', await ask())
  }
} finally {
  await device.close()
}

async function ask(mode?: number): Promise<Answer[]> {
  const answers: Answer[] = []
  for (const frame of frames) answers.push(await device.infer(frame, mode === undefined ? {} : { mode }))
  return answers
}

function show(name: string, answers: readonly Answer[]): void {
  const times = answers.map(({ wallMs }) => wallMs)
  const routes = new Set(answers.map(({ route }) => route))
  const bytes = answers.reduce((sum, { bytesUp }) => sum + bytesUp, 0) / answers.length
  const [half, nearlyAll] = [quantile(times, 0.5), quantile(times, 0.95)].map((ms) => ms.toFixed(1))
  console.log(
    `${name.padEnd(20)} median ${half} ms, 95 % ${nearlyAll} ms, ${bytes.toFixed(0)} bytes up (${[...routes]})`,
  )
}
