import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type AdaptationEvent, connectDevice, type Device } from '@isthmus/device-sdk'
import { corruptImages, hasCifar10, loadCifar10, sliceImages } from '@isthmus/models/data'
import { argmax } from '@isthmus/models/train'
import { afterEach, describe, expect, it } from 'vitest'

const withPhotographs = it.skipIf(!(await hasCifar10()))
const bundle = fileURLToPath(new URL('../../../models/bundles/cifar10-adaptable', import.meta.url))

const open: Device[] = []
afterEach(async () => {
  for (const device of open.splice(0)) await device.close()
})

async function connect(stateDir: string, events: AdaptationEvent[] = []): Promise<Device> {
  const device = await connectDevice({
    id: 'cam-1',
    bundle,
    deadlineMs: 10_000,
    stateDir,
    // No server, no key. All of the time may go into it: the test is over sooner.
    adaptation: { statistics: { busyShare: 1 }, privacy: 'latents', onEvent: (event) => events.push(event) },
  })
  open.push(device)
  return device
}

/** 1 for each right answer. */
async function show(device: Device, images: Awaited<ReturnType<typeof loadCifar10>>['test']) {
  const right: number[] = []
  const area = images.width * images.height
  for (let at = 0; at < images.count; at++) {
    const planes = images.pixels.subarray(3 * area * at, 3 * area * (at + 1))
    const data = Uint8Array.from(
      { length: 3 * area },
      (_, to) => planes[(to % 3) * area + Math.floor(to / 3)]!,
    )
    const { output } = await device.infer({ data, width: images.width, height: images.height })
    right.push(Number(argmax(output, 0, output.length) === images.labels[at]))
    // A frame that has nothing behind it: what is computed beside the answers gets its turn.
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  return right
}

const share = (right: readonly number[]) => right.reduce((sum, one) => sum + one, 0) / right.length

describe('a device alone in fog without contrast', () => {
  withPhotographs(
    'is unsure of everything, so that nothing could teach it, and sees clearly all the same; when the fog lifts it is as packed',
    async () => {
      const { test } = await loadCifar10()
      const grey = corruptImages(
        sliceImages(test, 0, 640),
        { type: 'contrast', severity: 5, set: 'cifar' },
        1,
      )
      const stateDir = await mkdtemp(join(tmpdir(), 'isthmus-fog-'))
      const events: AdaptationEvent[] = []
      const device = await connect(stateDir, events)
      const before = await show(device, sliceImages(grey, 0, 64))
      const { uploads } = device.stats.adaptation!
      expect(uploads.passed.unreliable / uploads.seen).toBeGreaterThan(0.8)
      const after = await show(device, sliceImages(grey, 64, 640))
      expect(share(after.slice(-256))).toBeGreaterThan(share(before) + 0.3)
      expect(device.stats).toMatchObject({ failed: 0, late: 0, adaptation: { statistics: { inUse: 'own' } } })
      await device.close()

      const again = await connect(stateDir)
      expect(share(await show(again, sliceImages(grey, 0, 60)))).toBeGreaterThan(share(before) + 0.25)
      // A busy machine takes fewer of the frames into account: it is shown more.
      for (let from = 640; from < 3520 && again.stats.adaptation!.statistics!.inUse !== 'packed'; from += 320)
        await show(again, sliceImages(test, from, from + 320))
      expect(again.stats.adaptation?.statistics).toMatchObject({ inUse: 'packed', returns: 1 })
      expect(events[0]).toEqual({ kind: 'statistics', role: 'local', what: 'shift' })
    },
    60_000,
  )
})
