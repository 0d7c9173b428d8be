import type { Bundle } from '@isthmus/models/bundle'
import type { Session } from '@isthmus/models/runtime'
import { measuredCostController } from '@isthmus/policies'
import { topic } from '@isthmus/proto'
import { lastWill } from './announcements.ts'
import { systemClock } from './clock.ts'
import { Device } from './device.ts'
import { inputShape } from './frame.ts'
import type { ImageWork } from './images.ts'
import { ModelRunner } from './model-runner.ts'
import { MqttTransport, type MqttTransportOptions } from './mqtt-transport.ts'
import type { CommonOptions } from './options.ts'
import { ServerLink } from './server-link.ts'

/** What differs between Node and a browser. */
export interface Surroundings {
  readonly bundle: Bundle
  readonly openModel: (model: Uint8Array) => Promise<Session>
  readonly images: ImageWork
  readonly boot: number
  readonly tls?: MqttTransportOptions['tls']
}

/** Sent in the device's birth. */
const SOFTWARE = 'isthmus-device/0.1.0'

/** Puts a device together, opens its models, and lets it look for its server. */
export async function startDevice(options: CommonOptions, surroundings: Surroundings): Promise<Device> {
  const { bundle, openModel, images } = surroundings
  const { manifest, key: bundleKey } = bundle
  const clock = options.clock ?? systemClock
  const runner = (which: 'local' | 'head', output: string) =>
    manifest.models[which] &&
    new ModelRunner(() => openModel(bundle.modelBytes(which)), which, inputShape(manifest).dims, output)
  const transport = options.transport ?? brokerTransport(options, surroundings)
  const { id, site, credits, probe, deadlineMs, hedgeMarginMs, preference } = options
  const { name, version } = manifest
  const offer = { name, version, key: bundleKey }
  const identity = { site, id, boot: surroundings.boot, software: SOFTWARE, bundle: offer }
  const device = new Device({
    id,
    manifest,
    bundleKey,
    local: runner('local', manifest.output.name),
    head: runner('head', manifest.latent?.name ?? ''),
    images,
    link: transport && new ServerLink(transport, clock, { ...identity, credits, probe }),
    policy: options.policy ?? measuredCostController(options.controller),
    clock,
    deadlineMs,
    hedgeMarginMs,
    preference,
    concurrency: credits,
  })
  try {
    await device.start()
  } catch (error) {
    await device.close()
    throw error
  }
  if (options.waitForServerMs > 0) await device.waitForServer(options.waitForServerMs)
  return device
}

function brokerTransport(options: CommonOptions, { boot, tls }: Surroundings): MqttTransport | undefined {
  const { broker: url, id: clientId, site, reconnect, username, password, onConnectionError } = options
  if (url === undefined) return undefined
  const will = { topic: topic(site, clientId, 'state'), payload: lastWill(boot) }
  const identity = { clientId, will, username, password, tls }
  return new MqttTransport({ url, reconnect, ...identity, onError: onConnectionError })
}
