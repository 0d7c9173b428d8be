import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { connectDevice, type Device, type RgbFrame } from '@isthmus/device-sdk'
import type { CorruptionType, LabelledImages } from '@isthmus/models/data'
import { argmax } from '@isthmus/models/train'
import { EdgeDaemon } from '../../e2e/edge-daemon.ts'
import type { Part } from '../part.ts'
import type { FigureSpec, SuiteContext } from '../suite.ts'
import { mean } from './errors-table.ts'
import { type LiveStream, liveStream, packedAnswers, recoveredAfter, share } from './live-stream.ts'
import { openNetworks, pixelsOf } from './networks.ts'

export const liveFigures: readonly FigureSpec[] = [
  {
    name: 'liveRecoveryFrames',
    meaning:
      'frames from the onset of a shift until half of the lost accuracy is back, device and server over the wire, mean over shifts and seeds',
    target: { atMost: 1500 },
    kind: 'result',
  },
]

/** A camera of a hundred frames a second. */
const PERIOD_MS = 10
/** Of the moving accuracy. */
const WINDOW = 200

/** What the daemon is told beyond its defaults: a fleet of one device, which is to be helped within seconds. */
const flags = ['--adapt-every-steps', '2', '--adapt-every-ms', '1000', '--adapt-uploads-per-second', '100']

interface LiveRun {
  readonly type: CorruptionType
  readonly seed: number
  readonly cleanAccuracyPct: number
  readonly packedAccuracyPct: number
  readonly adaptedAccuracyPct: number
  /** Over the last 500 frames. */
  readonly endAccuracyPct: number
  readonly recoveredFrames: number | null
  readonly framesPerSecond: number
  readonly uploads: number
  readonly uploadBytes: number
  readonly patchesAdopted: number
  readonly patchesRefused: number
}

/**
 * A real daemon in a process of its own, and a device that shows it a hundred frames a second: clean ones, then all damaged. The same
 * images answered by the network as packed are what adaptation is held against.
 */
export async function measureLive({ quick, bundles, say }: SuiteContext): Promise<Part> {
  const networks = await openNetworks(bundles)
  const seeds = quick ? [1] : [1, 2, 3]
  const types: readonly CorruptionType[] = quick ? ['fog'] : ['fog', 'gaussian_noise']
  const [clean, damaged] = quick ? [200, 600] : [400, 2000]
  const runs: LiveRun[] = []
  for (const type of types) {
    for (const seed of seeds) {
      const stream = liveStream(networks.test, { type, seed, clean, damaged })
      const packed = await packedAnswers(networks, stream.images)
      const run = await playLive(join(bundles, networks.bundle.manifest.name), stream, packed)
      say(`live ${type}, seed ${seed}: ${run.recoveredFrames ?? 'not'} recovered; ${accuracies(run)}`)
      runs.push(run)
    }
  }
  const never = runs.filter(({ recoveredFrames }) => recoveredFrames === null)
  const verdict = never.length === 0 ? undefined : `${never.length} of ${runs.length} streams never recovered`
  return {
    figures: { liveRecoveryFrames: mean(runs.map(({ recoveredFrames }) => recoveredFrames ?? damaged)) },
    // A quick run is one short stream, on whatever machine.
    ...(quick || verdict ? { verdicts: { liveRecoveryFrames: quick ? null : verdict! } } : {}),
    detail: {
      live: {
        cleanFrames: clean,
        damagedFrames: damaged,
        window: WINDOW,
        flags,
        runs: runs.map((run) => ({ ...run })),
      },
    },
  }
}

async function playLive(bundle: string, stream: LiveStream, packed: Uint8Array): Promise<LiveRun> {
  const folder = await mkdtemp(join(tmpdir(), 'isthmus-live-'))
  const edge = await EdgeDaemon.start(bundle, ['--mqtt-port', '0', '--adapt', folder, ...flags])
  try {
    const device = await connectDevice({
      id: 'bench-live',
      bundle,
      broker: `mqtt://127.0.0.1:${edge.mqttPort}`,
      deadlineMs: 10_000,
      waitForServerMs: 10_000,
      adaptation: {
        privacy: 'raw',
        bytesPerHour: 1e10,
        patchKey: (await readFile(join(folder, 'signing-key.pub'), 'utf8')).trim(),
      },
    })
    try {
      const { right, wallMs } = await show(device, stream.images)
      return reportOf(stream, right, packed, wallMs, device)
    } finally {
      await device.close()
    }
  } finally {
    await edge.kill()
    await rm(folder, { recursive: true })
  }
}

/** One frame after the other, a hundred a second or as fast as they are answered. */
async function show(device: Device, images: LabelledImages) {
  const right = new Uint8Array(images.count)
  const startMs = performance.now()
  for (let at = 0; at < images.count; at++) {
    const beganMs = performance.now()
    const { output } = await device.infer(rgbFrame(images, at), { route: 'local' })
    right[at] = Number(argmax(output, 0, output.length) === images.labels[at])
    await wait(Math.max(1, PERIOD_MS - (performance.now() - beganMs)))
  }
  return { right, wallMs: performance.now() - startMs }
}

function reportOf(
  { type, seed, onset }: LiveStream,
  right: Uint8Array,
  packed: Uint8Array,
  wallMs: number,
  device: Device,
): LiveRun {
  const { uploads, patches } = device.stats.adaptation!
  const { length } = right
  return {
    type,
    seed,
    cleanAccuracyPct: 100 * share(packed, 0, onset),
    packedAccuracyPct: 100 * share(packed, onset, length),
    adaptedAccuracyPct: 100 * share(right, onset, length),
    endAccuracyPct: 100 * share(right, length - 500, length),
    recoveredFrames: recoveredAfter(right, packed, onset, WINDOW) ?? null,
    framesPerSecond: (1000 * length) / wallMs,
    uploads: uploads.sent,
    uploadBytes: uploads.sentBytes,
    patchesAdopted: patches.local?.adopted ?? 0,
    patchesRefused: Object.values(patches.local?.refused ?? {}).reduce((sum, count) => sum + count, 0),
  }
}

const accuracies = (run: LiveRun): string =>
  `${run.cleanAccuracyPct.toFixed(1)} % clean, ${run.packedAccuracyPct.toFixed(1)} % as packed, ` +
  `${run.endAccuracyPct.toFixed(1)} % at the end; ${run.uploads} uploads, ${run.patchesAdopted} patches, ` +
  `${run.framesPerSecond.toFixed(0)} frames/s`

/** From planes of red, green and blue to pixels. */
function rgbFrame(images: LabelledImages, index: number): RgbFrame {
  const { width, height, channels } = images
  const planes = pixelsOf(images, index)
  const area = width * height
  const data = Uint8Array.from(
    { length: planes.length },
    (_, at) => planes[(at % channels) * area + Math.floor(at / channels)]!,
  )
  return { data, width, height }
}
