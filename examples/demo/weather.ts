import { mkdtempSync, rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RgbFrame } from '@isthmus/device-sdk'
import { loadBundle } from '@isthmus/models/bundle'
import {
  type CorruptionType,
  corruptImages,
  loadCifar10WithProgress,
  sliceImages,
} from '@isthmus/models/data'
import { bundlesFolder } from '../bundles-folder.ts'
import { rgbFrame } from '../photographs.ts'
import { EdgeProcess } from './edge-process.ts'
import { accuracyText } from './routes.ts'
import { paint, print, show } from './screen.ts'
import { alignColumns } from './table.ts'
import { type WeatherAnswer, WeatherCamera } from './weather-camera.ts'

const FPS = 100
/** Frames of the running accuracy. */
const WINDOW = 200
/** A server with one device to help, which is to show something within seconds. */
const adaptFlags = [
  '--adapt-every-steps',
  '2',
  '--adapt-every-ms',
  '1000',
  '--adapt-uploads-per-second',
  '100',
]

interface Weather {
  readonly name: string
  readonly type: CorruptionType | undefined
  readonly frames: number
}

const weathers = (quick: boolean): readonly Weather[] => [
  { name: 'clear', type: undefined, frames: quick ? 200 : 600 },
  { name: 'fog', type: 'fog', frames: quick ? 600 : 3000 },
  { name: 'noise', type: 'gaussian_noise', frames: quick ? 600 : 3000 },
]

/** One device of the two, and what it has answered. */
interface Watched {
  readonly name: string
  readonly camera: WeatherCamera
  readonly right: boolean[]
  newest: WeatherAnswer | undefined
}

const columns = ['weather', 'device', 'accuracy', `last ${WINDOW}`, 'uploads', 'kB up', 'patches', 'version']

/** Two devices see the same photographs turn foggy and then noisy; one of them takes part in adaptation. */
export async function playWeather(quick: boolean): Promise<void> {
  const folder = join(bundlesFolder(), 'cifar10-adaptable')
  const { manifest } = await loadBundle(folder, { only: [] })
  const { test } = await loadCifar10WithProgress()
  const state = mkdtempSync(join(tmpdir(), 'isthmus-weather-'))
  process.on('exit', () => rmSync(state, { recursive: true, force: true }))

  const edge = await EdgeProcess.start(folder, 0, 'bundles', ['--adapt', state, ...adaptFlags])
  const patchKey = (await readFile(join(state, 'signing-key.pub'), 'utf8')).trim()
  const setting = { broker: `mqtt://127.0.0.1:${edge.mqttPort}`, bundle: folder }
  const watch = async (name: string, key: string | undefined): Promise<Watched> => {
    const camera = await WeatherCamera.start({ ...setting, id: `weather-${name}`, patchKey: key })
    return { name, camera, right: [], newest: undefined }
  }
  const pair = [await watch('adapted', patchKey), await watch('as-packed', undefined)] as const

  print(paint('bold', 'Two devices see the same photographs; one of them takes part in adaptation'))
  print(`  up to ${FPS} frames/s each, answered by the device alone; severity 5 of 5`)
  print('  pictures that are worth learning from leave the adapted device as they are (privacy: raw)\n')

  const rows: string[][] = [columns]
  let first = 0
  for (const { name, type, frames: count } of weathers(quick)) {
    const clean = sliceImages(test, first, first + count)
    const images = type ? corruptImages(clean, { type, severity: 5 }, 1) : clean
    const frames: RgbFrame[] = Array.from({ length: count }, (_, index) => rgbFrame(images, index))
    const labelOf = (index: number) => manifest.labels[images.labels[index]!]!
    const began = pair.map(({ right }) => right.length)
    await Promise.all(
      pair.map((watched) =>
        watched.camera.show({ frames, fps: FPS }, (answer) => {
          tellPatch(watched, answer)
          watched.newest = answer
          watched.right.push(answer.label === labelOf(answer.index))
          show(progress(name, answer.index + 1, count, pair, began))
        }),
      ),
    )
    print(progress(name, count, count, pair, began))
    pair.forEach((watched, at) => {
      rows.push(rowOf(name, watched, began[at]!))
    })
    first += count
  }

  for (const { camera } of pair) camera.close()
  const bytesDown = await edge.metric('adapt_patch_bytes_total')
  await edge.stop()
  print()
  const [header, ...lines] = alignColumns(rows)
  print(paint('bold', header!))
  for (const line of lines) print(line)
  print(paint('dim', 'Accuracy with its 95 % interval. Uploads, bytes and patches from the start.'))
  print(paint('dim', `Patches that went out: ${(bytesDown / 1000).toFixed(1)} kB in all.`))
  print(`\n${weatherSteps}`)
}

function tellPatch({ name, newest, right }: Watched, { version }: WeatherAnswer): void {
  if (version === (newest?.version ?? 0)) return
  print(paint('dim', `    frame ${right.length + 1}: ${name} answers with patch ${version}`))
}

function progress(
  name: string,
  done: number,
  count: number,
  pair: readonly Watched[],
  began: readonly number[],
): string {
  const parts = pair.map((watched, at) => {
    const recent = recentOf(watched, began[at]!)
    return `${watched.name} ${percentRight(recent)} %`
  })
  const { newest } = pair[0]!
  const sent = `${newest?.uploads ?? 0} uploads, patch ${newest?.version ?? 0}`
  return `  ${name.padEnd(6)} ${done}/${count}  ${parts.join(', ')} of the last ${WINDOW}; ${sent}`
}

/** The latest answers under this weather. */
const recentOf = ({ right }: Watched, from: number): readonly boolean[] => right.slice(from).slice(-WINDOW)

const percentRight = (right: readonly boolean[]): string =>
  ((100 * right.filter(Boolean).length) / Math.max(1, right.length)).toFixed(1)

function rowOf(weather: string, watched: Watched, from: number): string[] {
  const right = watched.right.slice(from)
  const { uploads = 0, bytesUp = 0, adopted = 0, version = 0 } = watched.newest ?? {}
  return [
    weather,
    watched.name,
    accuracyText(right.filter(Boolean).length, right.length),
    `${percentRight(recentOf(watched, from))} %`,
    `${uploads}`,
    (bytesUp / 1000).toFixed(0),
    `${adopted}`,
    `${version}`,
  ]
}

const weatherSteps = `Try next

  a server that adapts what it serves, and prints the key that devices are given
    npx isthmus-edge --bundles models/bundles --adapt ./adapt

  what leaves a device, and what comes back: docs/adaptation-device.md
  what the server does with it: docs/adaptation-server.md
`
