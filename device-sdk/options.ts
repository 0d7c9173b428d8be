import { type Policy, type Preference, raspberryPiPower } from '@isthmus/policies'
import { isDeviceId } from '@isthmus/proto'
import { z } from 'zod'
import { adaptationOptions } from './adaptation/options.ts'
import type { Clock } from './clock.ts'
import { deviceError } from './errors.ts'
import { taskWishSchema } from './latent-tasks.ts'
import { marketSchema } from './market/options.ts'
import { nearestKey } from './nearest-key.ts'
import type { Transport } from './transport.ts'

const ms = z.number().min(0).max(3_600_000)
const part = z.number().min(0).max(1)
const watt = z.number().min(0).max(1e4)
const weight = z.number().min(0).max(1e6).optional()

const preferenceSchema = z.strictObject({ delay: weight, energy: weight, accuracy: weight })

const share = z.number().positive().max(1)

/** A gate of the bundle: off, on, or on with another threshold than the bundle's own. */
const gate = <Key extends string>(key: Key) =>
  z
    .union([z.boolean(), z.strictObject({ [key]: share } as Record<Key, typeof share>)], {
      error: `must be true, false or { ${key}: a share above 0 and up to 1 }`,
    })
    .default(false)

/** Something with these methods, made by the caller. */
export const withMethods = <T>(what: string, methods: readonly string[]) =>
  z.custom<T>(
    (value) =>
      methods.every((name) => typeof (value as Record<string, unknown> | null)?.[name] === 'function'),
    `must be a ${what} (an object with ${methods.join(', ')})`,
  )

const brokerUrl = z.string().refine((text) => {
  try {
    const { protocol, hostname } = new URL(text)
    return ['mqtt:', 'mqtts:', 'ws:', 'wss:'].includes(protocol) && hostname !== ''
  } catch {
    return false
  }
}, 'must be a URL that starts with mqtt://, mqtts://, ws:// or wss:// and names a host')

/** Everything that all devices are told, under Node and in a browser. */
export const commonOptions = {
  id: z.string().refine(isDeviceId, "must be 1 to 64 letters, digits, - and _, and not 'edge' or 'edge-…'"),
  site: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1 to 64 letters, digits, - and _')
    .default('default'),
  /** Left out: the device works on its own. */
  broker: brokerUrl.optional(),
  username: z.string().optional(),
  password: z.string().optional(),
  deadlineMs: ms.positive().default(250),
  preference: preferenceSchema.default({}),
  /** Further tasks of the bundle that servers answer from the latent (docs/tasks.md). Left out: none. */
  tasks: taskWishSchema.optional(),
  /** Power of the device above its idle one, W: what `energyJ` of its modes is worked out with. */
  power: z
    .strictObject({
      computeW: watt.default(raspberryPiPower.computeW),
      sendW: watt.default(raspberryPiPower.sendW),
      /** While it waits for an answer. */
      listenW: watt.default(raspberryPiPower.listenW),
    })
    .prefault({}),
  /** Bids for leases where the servers sell them (docs/market.md). Left out: whatever they have left. */
  market: marketSchema.optional(),
  /** Requests out at a time; the server may grant fewer. */
  credits: z.int().min(1).max(1024).default(8),
  /** The local answer is planned to be ready this long before the deadline. */
  hedgeMarginMs: ms.default(5),
  /** How long connecting waits for a server and a first measurement of the link. */
  waitForServerMs: ms.default(0),
  probe: z
    .strictObject({
      /** Shortest time between two probes; 0: none. */
      intervalMs: ms.default(1000),
      /** Padding of the probe that measures the rate. */
      largeBytes: z.int().min(600).max(65_536).default(1024),
    })
    .prefault({}),
  reconnect: z
    .strictObject({ minMs: ms.min(10).default(250), maxMs: ms.min(10).default(5000) })
    .refine(({ minMs, maxMs }) => minMs <= maxMs, 'minMs must be at most maxMs')
    .prefault({}),
  /** Frames in which the bundle's filter sees nothing of interest are skipped. */
  filter: gate('recall'),
  /** Frames that the bundle's early exit is sure of are answered there. */
  exit: gate('accuracy'),
  /** How the controller decides; not with a policy of your own. */
  controller: z
    .strictObject({
      /** Where no local answer can step in, a late answer costs this much, in accuracy. */
      latePenalty: z.number().min(0).max(100).optional(),
      /** A mode is taken up only if it is in time with this share of the deadline to spare. */
      margin: part.optional(),
      /** At most every so many frames, one goes to a remote mode that has not been used for long. 0: never. */
      probeEvery: z.int().min(0).optional(),
      /** At most this share of the frames that are sent is computed locally, too, to measure that. 0: never. */
      localProbeShare: part.optional(),
      /** What has not been measured for this long is due for a probe. */
      staleMs: ms.optional(),
      /** A mode that was left is not taken up again for this long; four times as long after each quick return. */
      holdOffMs: ms.optional(),
    })
    .default({}),
  policy: withMethods<Policy>('policy', ['decide']).optional(),
  transport: withMethods<Transport>('transport', ['start', 'subscribe', 'publish', 'close']).optional(),
  clock: withMethods<Clock>('clock', ['now', 'setTimeout', 'clearTimeout']).optional(),
  onConnectionError: z.custom<(error: Error) => void>((value) => typeof value === 'function').optional(),
}

export const nodeOptions = z.strictObject({
  ...commonOptions,
  /** The bundle's folder. */
  bundle: z.string().min(1),
  /** Where the device keeps its boot counter and the last good patch. Left out: every start takes a random number, and no patch. */
  stateDir: z.string().min(1).optional(),
  /** PEM files' contents for mqtts:// and wss://. */
  tls: z.strictObject({ ca: z.string(), cert: z.string(), key: z.string() }).partial().optional(),
  /** Left out: the device takes no part in adaptation. */
  adaptation: adaptationOptions.optional(),
  /** Threads that one model may use. */
  threads: z.int().min(1).max(256).default(1),
})

export type CommonOptions = z.output<z.ZodObject<typeof commonOptions>>
export type DeviceOptions = z.input<typeof nodeOptions>
export type CheckedOptions = z.output<typeof nodeOptions>

/** Throws BAD_OPTIONS naming the weight that is wrong. */
export function checkPreference(preference: unknown): Preference {
  const result = preferenceSchema.safeParse(preference)
  if (result.success) return result.data
  const issue = result.error.issues[0]!
  const message = issue.code === 'unrecognized_keys' ? `${issue.keys[0]} is no weight` : issue.message
  throw deviceError('BAD_OPTIONS', `${['preference', ...issue.path].join('.')}: ${message}.`)
}

/** Checks options and fills in defaults. Throws BAD_OPTIONS naming each wrong one, and what an unknown one may mean. */
export function checkOptions(options: unknown): CheckedOptions {
  return checkAgainst(nodeOptions, options)
}

export function checkAgainst<Schema extends z.ZodObject>(
  schema: Schema,
  options: unknown,
  caller = 'connectDevice',
): z.output<Schema> {
  const result = schema.safeParse(options)
  if (result.success) return result.data
  const complaints = result.error.issues.map((issue) => {
    const place = issue.path.join('.')
    if (issue.code !== 'unrecognized_keys') return `${place || 'the options'}: ${issue.message}`
    return issue.keys.map((key) => unknownKey(schema, issue.path, key)).join('; ')
  })
  throw deviceError('BAD_OPTIONS', `${caller}: ${complaints.join('; ')}.`)
}

function unknownKey(schema: z.ZodObject, path: readonly PropertyKey[], key: string): string {
  const known = path.length === 0 ? schema : inner(schema.shape[String(path[0])])
  const nearest = nearestKey(key, known instanceof z.ZodObject ? Object.keys(known.shape) : [])
  const name = [...path, key].join('.')
  return `${name} is not an option${nearest ? `, did you mean ${[...path, nearest].join('.')}` : ''}`
}

/** The schema inside its defaults. */
function inner(schema: unknown): unknown {
  while (
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodOptional
  ) {
    schema = schema.unwrap()
  }
  return schema
}
