import type { RandomStream } from '../../env/index.ts'
import { type Drawn, given, optionChecks } from '../../option-checks.ts'
import type { DeviceHost, Platform, ServerHost } from './platform.ts'

/** What a random platform is made of; each device, server or link draws its own value between two bounds. */
export interface PlatformOptions {
  readonly devices: number
  readonly servers: number
  /** Default 0.5e9 to 1.5e9 cycles/s. */
  readonly deviceCyclesPerS?: Drawn
  /** Default 5e9 to 20e9 cycles/s. */
  readonly serverCyclesPerS?: Drawn
  /** κ of a device's energy per cycle, κ·f² J with f in Hz. Default 1e-27. */
  readonly deviceKappa?: Drawn
  /** Energy of a server's cycle, J. Default 0.5e-9 to 2e-9. */
  readonly serverCycleJ?: Drawn
  /** Power while a device sends, W. Default 0.5 to 1.5. */
  readonly transmitW?: Drawn
  /** Power while a device waits for a server, W. Default 0.05 to 0.2. */
  readonly idleW?: Drawn
  /** Default 5e6 to 50e6 bit/s. */
  readonly uplinkBps?: Drawn
  /** Rate from server to device over that from device to server. Default 1 to 4. */
  readonly downlinkRatio?: Drawn
  /** Default 1e9 bit/s. */
  readonly betweenServersBps?: Drawn
}

const defaults = {
  deviceCyclesPerS: [0.5e9, 1.5e9],
  serverCyclesPerS: [5e9, 20e9],
  deviceKappa: 1e-27,
  serverCycleJ: [0.5e-9, 2e-9],
  transmitW: [0.5, 1.5],
  idleW: [0.05, 0.2],
  uplinkBps: [5e6, 50e6],
  downlinkRatio: [1, 4],
  betweenServersBps: 1e9,
} as const satisfies Required<Omit<PlatformOptions, 'devices' | 'servers'>>

/** Bounds of what may be asked for. */
const possible: Readonly<Record<keyof typeof defaults, readonly [number, number]>> = {
  deviceCyclesPerS: [1, 1e15],
  serverCyclesPerS: [1, 1e15],
  deviceKappa: [0, 1],
  serverCycleJ: [0, 1],
  transmitW: [0, 1e6],
  idleW: [0, 1e6],
  uplinkBps: [0, 1e15],
  downlinkRatio: [0, 1e6],
  betweenServersBps: [1, 1e15],
}

const checks = optionChecks('randomPlatform')

/**
 * Devices and servers that differ from each other. The default figures are assumptions in round numbers, of the order of those that
 * papers on offloading simulate with (κ = 1e-27: 1 nJ a cycle and 1 W at 1 GHz, 0.5 to 1.5 W to send); links from a good LTE
 * uplink (5.95 Mbit/s is the mean of mahimahi's Verizon-LTE trace) to Wi-Fi; a server's cycle at 1 nJ is some 100 W for 40 busy
 * cores at 2.5 GHz. Measure your own where joules count.
 *
 * @throws IsthmusError `BAD_OPTION` that names the option
 */
export function randomPlatform(options: PlatformOptions, random: RandomStream): Platform {
  const { devices, servers } = options
  const names = Object.keys(defaults) as (keyof typeof defaults)[]
  checks.knownOnly('', options, ['devices', 'servers', ...names])
  checks.integer('devices', devices, 1, 100_000)
  checks.integer('servers', servers, 0, 100_000)
  if (devices * servers > 10_000_000) throw checks.bad(`devices · servers is ${devices * servers} links`)
  const ranges: Record<keyof typeof defaults, Drawn> = { ...defaults, ...given(options) }
  for (const name of names) checks.drawn(name, ranges[name], ...possible[name])
  const draw = (name: keyof typeof defaults): number => {
    const range = ranges[name]
    return typeof range === 'number' ? range : random.between(range[0], range[1])
  }
  const device = (at: number): DeviceHost => {
    const cyclesPerS = draw('deviceCyclesPerS')
    return {
      name: `device ${at}`,
      cyclesPerS,
      cycleJ: draw('deviceKappa') * cyclesPerS ** 2,
      transmitW: draw('transmitW'),
      idleW: draw('idleW'),
    }
  }
  const server = (at: number): ServerHost => ({
    name: `server ${at}`,
    cyclesPerS: draw('serverCyclesPerS'),
    cycleJ: draw('serverCycleJ'),
  })
  const rates = (rate: (device: number, server: number) => number): number[][] =>
    Array.from({ length: devices }, (_, from) => Array.from({ length: servers }, (_, to) => rate(from, to)))
  const made = {
    devices: Array.from({ length: devices }, (_, at) => device(at)),
    servers: Array.from({ length: servers }, (_, at) => server(at)),
  }
  const uplinkBps = rates(() => draw('uplinkBps'))
  return {
    ...made,
    uplinkBps,
    downlinkBps: rates((from, to) => uplinkBps[from]![to]! * draw('downlinkRatio')),
    betweenServersBps: draw('betweenServersBps'),
  }
}
