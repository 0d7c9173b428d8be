// Classifies photographs, alone or with a server:
//   node examples/dist/classify.js [--bundle DIR] [--broker mqtt://SERVER] PHOTO...

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { connectDevice } from '@isthmus/device-sdk'
import { bundlesFolder } from './bundles-folder.ts'

const { values, positionals: photos } = parseArgs({
  allowPositionals: true,
  options: {
    bundle: { type: 'string', default: join(bundlesFolder(), 'cifar10') },
    broker: { type: 'string' },
  },
})
if (photos.length === 0) {
  console.error('Name a photograph: node examples/dist/classify.js [--bundle DIR] [--broker URL] PHOTO...')
  process.exit(2)
}

const device = await connectDevice({
  id: `classify-${process.pid}`,
  bundle: values.bundle,
  deadlineMs: 1000,
  ...(values.broker ? { broker: values.broker, waitForServerMs: 3000 } : {}),
})
try {
  for (const photo of photos) {
    const answer = await device.infer({ data: await readFile(photo), encoded: true })
    const guesses = answer.top
      .slice(0, 3)
      .map(({ label, probability }) => `${label} ${probability.toFixed(2)}`)
    console.log(`${photo}: ${guesses.join(', ')}`)
    console.log(
      `  route ${answer.route}, ${answer.wallMs.toFixed(1)} ms, ${answer.bytesUp} bytes sent: ${answer.reason}`,
    )
  }
} finally {
  await device.close()
}
