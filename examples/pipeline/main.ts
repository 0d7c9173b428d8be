// A pipeline of three models on two processes, an edge server and a device:
//   node examples/dist/pipeline/main.js

import { fork } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { endsWithUs } from '../demo/children.ts'
import { EdgeProcess } from '../demo/edge-process.ts'
import { writeCameraPipeline } from './camera-pipeline.ts'

const root = await mkdtemp(join(tmpdir(), 'isthmus-pipeline-'))
try {
  const folder = join(root, 'camera')
  const { id, wiring } = await writeCameraPipeline(folder)
  for (const { id: stage, macs, outputs } of wiring.stages) {
    const gives = outputs.map(({ name, dtype, dims }) => `${name} ${dtype} [${dims.join(', ')}]`)
    console.log(`${id} ${stage}: ${(macs / 1e6).toFixed(1)} million multiply-adds, gives ${gives.join(', ')}`)
  }
  const edge = await EdgeProcess.start(root, 0, 'pipelines')
  const program = fileURLToPath(new URL('device.js', import.meta.url))
  const device = endsWithUs(fork(program, [folder, `mqtt://127.0.0.1:${edge.mqttPort}`]))
  device.on('message', () => void edge.kill().then(() => device.send('gone')))
  process.exitCode = await new Promise<number>((resolve) => {
    device.once('exit', (code) => resolve(code ?? 1))
  })
  await edge.kill()
} finally {
  await rm(root, { recursive: true, force: true })
}
