import type { Bundle, HeadRole, ModelRole } from '@isthmus/models/bundle'
import type { Session } from '@isthmus/models/runtime'
import { measuredCostController } from '@isthmus/policies'
import { topic } from '@isthmus/proto'
import type { AdaptedDevice } from './adaptation/adapt-device.ts'
import type { Adaptation } from './adaptation/adaptation.ts'
import { lastWill } from './announcements.ts'
import { systemClock } from './clock.ts'
import { Device } from './device.ts'
import { EarlyExit, exitRules } from './early-exit.ts'
import { inputShape } from './frame.ts'
import { type FilterOption, FrameFilter, filterThreshold } from './frame-filter.ts'
import type { ImageWork } from './images.ts'
import { Bidder } from './market/bidder.ts'
import { wantedOf } from './market/options.ts'
import { ModelRunner } from './model-runner.ts'
import { MqttTransport, type MqttTransportOptions } from './mqtt-transport.ts'
import type { CommonOptions } from './options.ts'
import { ServerLink } from './server-link.ts'

/** What differs between Node and a browser. */
export interface Surroundings {
  readonly bundle: Bundle
  readonly openModel: (model: Uint8Array, role: ModelRole) => Promise<Session>
  readonly images: ImageWork
  readonly boot: number
  /** Makes the device's part in adaptation, where it takes one. */
  readonly adapt?: (device: AdaptedDevice) => Promise<Adaptation>
  readonly tls?: MqttTransportOptions['tls']
}

/** Sent in the device's birth. */
export const SOFTWARE = 'isthmus-device/0.1.0'

/** The models that a device with these options loads. */
export const modelsFor = ({ filter, exit }: Pick<CommonOptions, 'filter' | 'exit'>): ModelRole[] => [
  'local',
  'head',
  'narrowHead',
  ...(filter ? (['filter'] as const) : []),
  ...(exit ? (['exit'] as const) : []),
]

/** Puts a device together, opens its models, and lets it look for its server. */
export async function startDevice(options: CommonOptions, surroundings: Surroundings): Promise<Device> {
  const { bundle, openModel, images } = surroundings
  const { manifest, key: bundleKey } = bundle
  const clock = options.clock ?? systemClock
  const inputDims = inputShape(manifest).dims
  const latentDims = [1, ...(manifest.latent?.dims ?? [])]
  const opened = (which: ModelRole, output: string, dims = inputDims) =>
    new ModelRunner(() => openModel(bundle.modelBytes(which), which), which, dims, output)
  const runner = (which: 'local' | HeadRole, output: string) =>
    manifest.models[which] && opened(which, output)
  const filterOf = (option: Exclude<FilterOption, false>) => {
    const threshold = filterThreshold(manifest, option)
    const reads = manifest.filter!.reads
    return new FrameFilter(
      opened('filter', 'interest', reads === 'input' ? inputDims : latentDims),
      reads,
      threshold,
    )
  }
  const transport = options.transport ?? brokerTransport(options, surroundings)
  const { id, site, credits, probe, deadlineMs, hedgeMarginMs, preference, power, filter, exit } = options
  const { name, version } = manifest
  const offer = { kind: 'bundle', name, version, key: bundleKey } as const
  const identity = { site, id, boot: surroundings.boot, software: SOFTWARE, offer }
  const runners = {
    local: runner('local', manifest.output.name),
    head: runner('head', manifest.latent?.name ?? ''),
    narrowHead: runner('narrowHead', manifest.latent?.name ?? ''),
  }
  const market =
    transport &&
    options.market &&
    new Bidder({
      site,
      id,
      boot: surroundings.boot,
      now: () => clock.now(),
      random: Math.random,
      publish: (name, packet) => transport.publish(name, packet, { qos: 1 }),
      wanted: () => options.market && wantedOf(options.market, device.edgeWorth),
    })
  const link = transport && new ServerLink(transport, clock, { ...identity, credits, probe, market })
  const shape = inputShape(manifest)
  const adaptation = await surroundings.adapt?.({ site, bundle, runners, link, images, shape, clock })
  const device: Device = new Device({
    id,
    manifest,
    bundleKey,
    ...runners,
    adaptation,
    filter: filter ? filterOf(filter) : undefined,
    exit: exit
      ? new EarlyExit(opened('exit', manifest.output.name, latentDims), exitRules(manifest, exit))
      : undefined,
    images,
    link,
    market: market?.counters,
    policy: options.policy ?? measuredCostController(options.controller),
    clock,
    deadlineMs,
    hedgeMarginMs,
    preference,
    tasks: options.tasks,
    power,
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

type BrokerOptions = Pick<
  CommonOptions,
  'broker' | 'id' | 'site' | 'reconnect' | 'username' | 'password' | 'onConnectionError'
>

/** The connection to the broker that the options name, if they do. */
export function brokerTransport(
  options: BrokerOptions,
  { boot, tls }: Pick<Surroundings, 'boot' | 'tls'>,
): MqttTransport | undefined {
  const { broker: url, id: clientId, site, reconnect, username, password, onConnectionError } = options
  if (url === undefined) return undefined
  const will = { topic: topic(site, clientId, 'state'), payload: lastWill(boot) }
  const identity = { clientId, will, username, password, tls }
  return new MqttTransport({ url, reconnect, ...identity, onError: onConnectionError })
}
