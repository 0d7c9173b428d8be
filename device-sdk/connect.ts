import { loadBundle } from '@isthmus/models/bundle'
import { SessionThread } from '@isthmus/models/runtime'
import { type AdaptedDevice, adaptDevice } from './adaptation/adapt-device.ts'
import { PatchFile } from './adaptation/patch-file.ts'
import { modelsFor, startDevice } from './assemble.ts'
import { nextBoot } from './boot-counter.ts'
import type { Device } from './device.ts'
import { checkOptions, type DeviceOptions } from './options.ts'
import { randomBoot } from './random-boot.ts'
import { SharpImages } from './sharp-images.ts'

/**
 * A device that answers frames. Resolves as soon as the local way is ready, whether or not there is a broker or a
 * server; those are looked for in the background, and again whenever they are lost. With `waitForServerMs` it waits
 * so long for a server to be ready.
 *
 * Throws BAD_OPTIONS, STATE_UNWRITABLE, BAD_BUNDLE, and what loading a bundle or opening its models throws.
 *
 * @example
 * const device = await connectDevice({ id: 'cam-17', broker: 'mqtt://edge.local', bundle: './bundles/street', deadlineMs: 120 })
 * const answer = await device.infer({ data: rgb, width: 32, height: 32 })
 */
export async function connectDevice(options: DeviceOptions): Promise<Device> {
  const checked = checkOptions(options)
  const { stateDir, threads: intraOpThreads, tls } = checked
  const bundle = await loadBundle(checked.bundle, { only: modelsFor(checked) })
  const boot = stateDir === undefined ? randomBoot() : await nextBoot(stateDir, Math.floor(Date.now() / 1000))
  // A frame goes through filter, head and exit one after the other; the local model may have to answer meanwhile.
  const [alone, onTheWay, spare] = [new SessionThread(), new SessionThread(), new SessionThread()]
  const threads = [alone, onTheWay, spare]
  const { adaptation } = checked
  // Each patch and all statistics move a model into another thread: one that has just begun is slow at first.
  if (adaptation) for (const thread of threads) thread.keep()
  if (adaptation?.privacy === 'raw')
    process.emitWarning(
      'adaptation.privacy is raw: pictures of this device are sent to the server.',
      'Isthmus',
    )
  return startDevice(checked, {
    bundle,
    openModel: (model, role) => (role === 'local' ? alone : onTheWay).open(model, { intraOpThreads }),
    images: new SharpImages(),
    boot,
    ...(adaptation
      ? {
          adapt: (device: AdaptedDevice) =>
            adaptDevice(adaptation, device, {
              openModel: (file, role, place) =>
                (place === 1 ? spare : role === 'local' ? alone : onTheWay).open(file, { intraOpThreads }),
              storeFor: (family, channels) =>
                stateDir === undefined ? undefined : new PatchFile(stateDir, family, channels),
              wallS: () => Date.now() / 1000,
              warn: (message) => process.emitWarning(message, 'Isthmus'),
              ended: () => Promise.all(threads.map((thread) => thread.letEnd())),
            }),
        }
      : {}),
    tls,
  })
}
