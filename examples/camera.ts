// A stream of frames in, a stream of answers out, as rxjs observables; ends after a while or with Ctrl-C:
//   node examples/dist/camera.js [--broker mqtt://SERVER] [--photos DIR] [--bundle DIR] [--fps N] [--seconds S]

import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { connectDevice, type Frame } from '@isthmus/device-sdk'
import { listPhotos } from '@isthmus/models/data'
import { finalize, fromEvent, interval, map, merge, takeUntil, timer } from 'rxjs'
import { bundlesFolder } from './bundles-folder.ts'
import { testPhotographs } from './photographs.ts'

const { values } = parseArgs({
  options: {
    bundle: { type: 'string', default: join(bundlesFolder(), 'cifar10') },
    broker: { type: 'string' },
    photos: { type: 'string' },
    fps: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '20' },
  },
})

const frames: readonly Frame[] = values.photos
  ? await Promise.all((await listPhotos(values.photos)).slice(0, 100).map(encodedFrame))
  : (await testPhotographs(100)).frames

const device = await connectDevice({
  id: `camera-${hostname()
    .replace(/[^A-Za-z0-9_-]/g, '-')
    .slice(0, 50)}`,
  bundle: values.bundle,
  deadlineMs: 200,
  ...(values.broker ? { broker: values.broker, waitForServerMs: 3000 } : {}),
})

device.telemetry$.subscribe(({ link, refusal, stats }) => {
  const way = link
    ? `${(link.rateBps / 1000).toFixed(0)} kbit/s, ${link.rttMs.toFixed(0)} ms`
    : 'not measured'
  console.log(`  ${stats.frames} frames; link: ${way}${refusal ? `; ${refusal}` : ''}`)
})

const stop$ = merge(fromEvent(process, 'SIGINT'), timer(1000 * Number(values.seconds)))
const camera$ = interval(1000 / Number(values.fps)).pipe(
  map((count) => frames[count % frames.length]!),
  takeUntil(stop$),
)

device
  .inferAll(camera$)
  .pipe(finalize(() => device.close()))
  .subscribe(({ frame, top: [best], route, wallMs, fallback }) => {
    const why = fallback ? ` (${fallback})` : ''
    console.log(`${frame}: ${best?.label}, ${wallMs.toFixed(0)} ms, ${route}${why}`)
  })

async function encodedFrame(photo: string): Promise<Frame> {
  return { data: await readFile(photo), encoded: true }
}
