import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Answer, connectDevice, type Device, type RgbFrame } from '@isthmus/device-sdk'
import {
  corruptImages,
  hasCifar10,
  type LabelledImages,
  loadCifar10,
  sliceImages,
} from '@isthmus/models/data'
import { argmax } from '@isthmus/models/train'
import { afterEach, describe, expect, it } from 'vitest'
import { writeAdaptableSplit } from './adaptable-bundle.ts'
import { EdgeDaemon } from './edge-daemon.ts'

const bundles = fileURLToPath(new URL('../../../models/bundles/', import.meta.url))
const wanted = (await hasCifar10()) || process.env.CI === 'true' || process.env.ISTHMUS_FETCH === '1'
if (!wanted)
  console.warn('skipped: a split network in the fog. Set ISTHMUS_FETCH=1 to download CIFAR-10 (139 MB).')

const ends: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

async function stateFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'isthmus-adapt-split-'))
  ends.push(() => rm(folder, { recursive: true }))
  return folder
}

async function serve(bundle: string, state: string, learns: 'tail' | 'both', steps: number) {
  const edge = await EdgeDaemon.start(bundle, [
    ...['--mqtt-port', '0', '--adapt', state, '--adapt-split', learns],
    ...['--adapt-every-steps', String(steps), '--adapt-every-ms', '1', '--adapt-save-ms', '1'],
    ...['--adapt-uploads-per-second', '1000'],
  ])
  ends.push(() => edge.kill())
  return edge
}

async function connect(edge: EdgeDaemon, bundle: string, id: string, adaptation?: object, more = {}) {
  const device = await connectDevice({
    ...{ id, bundle, broker: `mqtt://127.0.0.1:${edge.mqttPort}` },
    ...{ deadlineMs: 20_000, waitForServerMs: 20_000 },
    ...(adaptation ? { adaptation } : {}),
    ...more,
  })
  ends.push(() => device.close())
  return device
}

const learner = (patchKey?: string) => ({
  ...{ privacy: 'raw', learnFrom: 'split-too', bytesPerHour: 1e10, guard: false },
  selector: { judge: () => ({ upload: true, worth: 1 }) },
  ...(patchKey ? { patchKey } : {}),
})

const keyOf = async (state: string) => (await readFile(join(state, 'signing-key.pub'), 'utf8')).trim()

/** From planes of red, green and blue to pixels. */
function frameOf({ pixels, channels, width, height }: LabelledImages, at: number): RgbFrame {
  const area = width * height
  const data = Uint8Array.from(
    { length: channels * area },
    (_, to) => pixels[channels * area * at + (to % channels) * area + Math.floor(to / channels)]!,
  )
  return { data, width, height }
}

/** Asks for frame after frame until there is nothing more to wait for; between them, samples have time to go. */
async function showUntil(done: () => boolean, show: (at: number) => Promise<unknown>): Promise<void> {
  for (let at = 0; !done(); at++) {
    expect(at, 'frames shown in vain').toBeLessThan(3000)
    await show(at)
    await sleep(15)
  }
}

async function someFrame(device: Device, at: number): Promise<Answer> {
  const data = Uint8Array.from({ length: 3072 }, (_, pixel) => (pixel * (at + 3) * 31) % 251)
  return device.infer({ data, width: 32, height: 32 }, { route: 'split' })
}

describe('a split network that adapts', { timeout: 300_000 }, () => {
  it('is answered by a newer tail without any patch, also after the server was killed', async () => {
    const { folder, bundle } = await writeAdaptableSplit()
    ends.push(() => rm(folder, { recursive: true }))
    const dir = join(folder, bundle.manifest.name)
    const state = await stateFolder()
    const first = await serve(dir, state, 'tail', 1)
    const camera = await connect(first, dir, 'cam', learner())
    let answer = await someFrame(camera, 0)
    expect(answer).toMatchObject({ route: 'split', modelVersion: 0 })
    await showUntil(
      () => answer.modelVersion >= 2,
      async (at) => {
        answer = await someFrame(camera, at)
      },
    )
    expect(await first.metric('adapt_tails', { family: `${bundle.id}/tail` })).toBe(1)
    await camera.close()
    await first.kill()
    const second = await serve(dir, state, 'tail', 1)
    const watcher = await connect(second, dir, 'watcher')
    const again = await someFrame(watcher, 0)
    expect(again).toMatchObject({ route: 'split', modelEpoch: answer.modelEpoch })
    expect(again.modelVersion).toBeGreaterThanOrEqual(answer.modelVersion)
  })

  it('takes patches for its head, and each version is answered by its own tail: also the packed one', async () => {
    const { folder, bundle } = await writeAdaptableSplit()
    ends.push(() => rm(folder, { recursive: true }))
    const dir = join(folder, bundle.manifest.name)
    const [state, stateDir] = [await stateFolder(), await stateFolder()]
    const first = await serve(dir, state, 'both', 1)
    const camera = await connect(first, dir, 'cam', learner(await keyOf(state)), { stateDir })
    const packed = await connect(first, dir, 'packed')
    const heldBy = (device: Device) => device.stats.adaptation!.patches.head!.version.version
    await showUntil(
      () => heldBy(camera) >= 2,
      async (at) => expect(await someFrame(camera, at)).toMatchObject({ route: 'split' }),
    )
    const held = heldBy(camera)
    const answer = await someFrame(camera, 1)
    expect(answer.route).toBe('split')
    expect(answer.modelVersion).toBeGreaterThanOrEqual(held)
    expect(await someFrame(packed, 1)).toMatchObject({ route: 'split', modelVersion: 0, modelEpoch: 0 })
    await camera.close()
    await first.kill()
    const second = await serve(dir, state, 'both', 1000)
    const back = await connect(second, dir, 'cam', { patchKey: await keyOf(state) }, { stateDir })
    const restored = await someFrame(back, 1)
    expect(restored).toMatchObject({ route: 'split', modelEpoch: answer.modelEpoch })
    expect(restored.modelVersion).toBeGreaterThanOrEqual(held)
  })

  it.skipIf(!wanted).each(['tail', 'both'] as const)(
    'is right more often in the fog, adapting: %s',
    async (learns) => {
      const fog = corruptImages(
        sliceImages((await loadCifar10()).test, 0, 600),
        { type: 'fog', severity: 5, set: 'cifar' },
        1,
      )
      const dir = join(bundles, 'cifar10-adaptable')
      const state = await stateFolder()
      const edge = await serve(dir, state, learns, 4)
      // It sends nothing, and takes patches where there are any.
      const watcher = await connect(edge, dir, 'watcher', { patchKey: await keyOf(state), guard: false })
      /** Right answers to the last 200 frames, and the newest tail that gave one. */
      const watch = async () => {
        let [right, newest] = [0, 0]
        for (let at = 400; at < 600; at++) {
          const { output, route, modelVersion } = await watcher.infer(frameOf(fog, at), { route: 'split' })
          expect(route).toBe('split')
          newest = Math.max(newest, modelVersion)
          if (argmax(output, 0, output.length) === fog.labels[at]) right++
        }
        return { right, newest }
      }
      const before = await watch()
      expect(before.newest).toBe(0)
      const camera = await connect(edge, dir, 'cam', learner(await keyOf(state)))
      let newest = 0
      await showUntil(
        () => newest >= 2,
        async (at) => {
          newest = (await camera.infer(frameOf(fog, at % 400), { route: 'split' })).modelVersion
        },
      )
      if (learns === 'both')
        await showUntil(
          () => watcher.stats.adaptation!.patches.head!.adopted > 0,
          () => sleep(50),
        )
      const after = await watch()
      expect(after.newest).toBeGreaterThan(0)
      expect(after.right, `${before.right} of 200 before`).toBeGreaterThanOrEqual(before.right + 10)
    },
  )
})
