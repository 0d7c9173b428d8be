import { type Drawn, given, optionChecks } from '../../option-checks.ts'
import { cifarModes } from '../../sim/cifar-modes.ts'
import { checkFrameModes, type FrameMode } from '../../sim/frame-mode.ts'
import { generatedTrace } from '../../sim/generated-trace.ts'
import { type DevicePower, defaultPower } from '../../sim/power.ts'
import { checkTrace, type RateTrace } from '../../sim/rate-trace.ts'

/** A server that the device shares with others, whose jobs come and go whatever the device does. */
export interface SplitServer {
  /** Multiples of the speed for which the mode table's tail times hold. */
  readonly speed?: Drawn
  /** Round trip of an empty message, s. */
  readonly rttS?: Drawn
  /** Processors that take jobs from one line, first come first served. */
  readonly workers?: number
  /** What share of its time the others keep the server busy: drawn anew from these bounds whenever a spell ends. */
  readonly load?: Drawn
  /** Mean length of such a spell (exponential), s. */
  readonly spellS?: number
  /** Mean time of one of the others' jobs (exponential), s. */
  readonly jobS?: number
}

export interface SplitOptions {
  /** Mode table. Default: that of the bundle `cifar10` at the speeds of `frameModesOf`. */
  readonly modes?: readonly FrameMode[]
  /** Uplinks: each episode draws one and where it starts; it loops. Default: 16 generated ones with the mean of 3G. */
  readonly traces?: readonly RateTrace[]
  /** Factor for the rates. */
  readonly rateScale?: Drawn
  /** The servers. Default: a near one (10 to 20 ms), and a four times faster one further away (50 to 80 ms). */
  readonly servers?: readonly SplitServer[]
  /** Multiples of the speed for which the mode table's head times hold. */
  readonly deviceSpeed?: Drawn
  /** Listening counts once for waits that overlap. */
  readonly power?: Partial<DevicePower>
  /** Time that a frame has, s. */
  readonly deadlineS?: Drawn
  /** Mean time between frames, s. */
  readonly frameS?: Drawn
  readonly arrivals?: 'periodic' | 'poisson'
  /** Frames of an episode. */
  readonly frames?: number
  /** Mean of what a round trip takes beyond the shortest (exponential), s. */
  readonly jitterS?: number
  /** A server reports its queue this often, and with each answer, s. */
  readonly reportS?: number
  /** Frames that may be unanswered at a time. */
  readonly credits?: number
  /** Reward for a second of delay is −`delayScale`, */
  readonly delayScale?: number
  /** for a joule of the device −`energyScale`, */
  readonly energyScale?: number
  /** and for a wrong or late answer −`errorScale`. */
  readonly errorScale?: number
}

export type ServerSettings = Required<SplitServer>
export type SplitSettings = Required<Omit<SplitOptions, 'servers' | 'power'>> & {
  readonly servers: readonly ServerSettings[]
  readonly power: DevicePower
}

const serverDefaults: ServerSettings = {
  speed: 1,
  rttS: [0.01, 0.02],
  workers: 1,
  load: [0, 1.1],
  spellS: 5,
  jobS: 0.02,
}

const defaults = {
  modes: cifarModes,
  rateScale: 1,
  servers: [{}, { speed: 4, rttS: [0.05, 0.08] }] as readonly SplitServer[],
  deviceSpeed: 1,
  deadlineS: 0.2,
  frameS: 0.1,
  arrivals: 'periodic' as const,
  frames: 200,
  jitterS: 0.001,
  reportS: 1,
  credits: 8,
  delayScale: 5,
  energyScale: 30,
  errorScale: 4,
}

const { within, integer, drawn, oneOf, list, knownOnly } = optionChecks('split')

/** Greatest number of servers. */
const MAX_SERVERS = 255

let generated: readonly RateTrace[] | undefined

/** The links of episodes for which no traces are given: seeds 1 to 16. */
function defaultTraces(): readonly RateTrace[] {
  generated ??= Array.from({ length: 16 }, (_, at) => generatedTrace({ seed: at + 1 }))
  return generated
}

/** Fills in defaults. Throws IsthmusError `BAD_OPTION` or `BAD_TRACE` that names the field. */
export function splitSettings(options: SplitOptions): SplitSettings {
  knownOnly('', options, [...Object.keys(defaults), 'traces', 'power'])
  const { servers: serverOptions = defaults.servers, power = {}, ...rest } = options
  checkServers(serverOptions)
  knownOnly('power.', power, Object.keys(defaultPower))
  const settings: SplitSettings = {
    ...defaults,
    traces: options.traces ?? defaultTraces(),
    ...given(rest),
    power: { ...defaultPower, ...given(power) },
    servers: serverOptions.map((server) => ({ ...serverDefaults, ...given(server) })),
  }
  checkFrameModes(settings.modes)
  list('traces', settings.traces, 1, 100_000)
  for (const [at, trace] of settings.traces.entries()) checkTrace(trace, `split: traces[${at}]`)
  for (const [at, server] of settings.servers.entries()) checkServer(`servers[${at}].`, server)
  for (const [field, value] of Object.entries(settings.power)) within(`power.${field}`, value, 0, 1e6)
  drawn('rateScale', settings.rateScale, 1e-6, 1e6)
  drawn('deviceSpeed', settings.deviceSpeed, 1e-6, 1e6)
  drawn('deadlineS', settings.deadlineS, 1e-4, 1e4)
  drawn('frameS', settings.frameS, 1e-4, 1e4)
  oneOf('arrivals', settings.arrivals, ['periodic', 'poisson'])
  integer('frames', settings.frames, 1, 1e6)
  within('jitterS', settings.jitterS, 0, 10)
  within('reportS', settings.reportS, 1e-3, 1e6)
  integer('credits', settings.credits, 1, 1e4)
  for (const field of ['delayScale', 'energyScale', 'errorScale'] as const)
    within(field, settings[field], 0, 1e9)
  return settings
}

function checkServers(servers: readonly SplitServer[]): void {
  list('servers', servers, 1, MAX_SERVERS)
  for (const [at, server] of servers.entries())
    knownOnly(`servers[${at}].`, server, Object.keys(serverDefaults))
}

function checkServer(path: string, { speed, rttS, workers, load, spellS, jobS }: ServerSettings): void {
  drawn(`${path}speed`, speed, 1e-6, 1e6)
  drawn(`${path}rttS`, rttS, 0, 100)
  integer(`${path}workers`, workers, 1, 1000)
  drawn(`${path}load`, load, 0, 10)
  within(`${path}spellS`, spellS, 1e-2, 1e6)
  within(`${path}jobS`, jobS, 1e-4, 1e4)
}
