import { type Bundle, loadBundle } from '@isthmus/models/bundle'
import { openWorkerSession } from '@isthmus/models/runtime'
import { measuredCostController } from '@isthmus/policies'
import { topic } from '@isthmus/proto'
import { nextBoot } from './boot-counter.ts'
import { type Clock, systemClock } from './clock.ts'
import { Device } from './device.ts'
import { inputShape } from './frame.ts'
import { ModelRunner } from './model-runner.ts'
import { MqttTransport } from './mqtt-transport.ts'
import { type CheckedOptions, checkOptions, type DeviceOptions } from './options.ts'
import { lastWill, ServerLink } from './server-link.ts'
import { SharpImages } from './sharp-images.ts'
import type { Transport } from './transport.ts'

/** Sent in the device's birth. */
const SOFTWARE = 'isthmus-device/0.1.0'

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
  const bundle = await loadBundle(checked.bundle, { only: ['local', 'head'] })
  const clock = checked.clock ?? systemClock
  const link = await linkFor(checked, bundle, clock)
  const { manifest, key } = bundle
  const open = (which: 'local' | 'head') => {
    const output = which === 'local' ? manifest.output.name : (manifest.latent?.name ?? '')
    const session = () => openWorkerSession(bundle.modelBytes(which), { intraOpThreads: checked.threads })
    return manifest.models[which] && new ModelRunner(session, which, inputShape(manifest).dims, output)
  }
  const device = new Device({
    id: checked.id,
    manifest,
    bundleKey: key,
    local: open('local'),
    head: open('head'),
    images: new SharpImages(),
    link,
    policy: checked.policy ?? measuredCostController(),
    clock,
    deadlineMs: checked.deadlineMs,
    hedgeMarginMs: checked.hedgeMarginMs,
    preference: checked.preference,
    concurrency: checked.credits,
  })
  try {
    await device.start()
  } catch (error) {
    await device.close()
    throw error
  }
  if (checked.waitForServerMs > 0) await device.waitForServer(checked.waitForServerMs)
  return device
}

async function linkFor(
  options: CheckedOptions,
  bundle: Bundle,
  clock: Clock,
): Promise<ServerLink | undefined> {
  const { id, site, credits, probe, stateDir } = options
  const wallSeconds = Math.floor(Date.now() / 1000)
  const boot = stateDir === undefined ? wallSeconds >>> 0 : await nextBoot(stateDir, wallSeconds)
  const transport = options.transport ?? brokerTransport(options, boot)
  if (!transport) return undefined
  const { name, version } = bundle.manifest
  const offer = { name, version, key: bundle.key }
  return new ServerLink(transport, clock, {
    site,
    id,
    boot,
    credits,
    probe,
    bundle: offer,
    software: SOFTWARE,
  })
}

function brokerTransport(options: CheckedOptions, boot: number): Transport | undefined {
  const { broker: url, id: clientId, site, reconnect, username, password, tls, onConnectionError } = options
  if (url === undefined) return undefined
  const will = { topic: topic(site, clientId, 'state'), payload: lastWill(boot) }
  return new MqttTransport({
    url,
    clientId,
    will,
    reconnect,
    username,
    password,
    tls,
    onError: onConnectionError,
  })
}
