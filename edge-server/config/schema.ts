import { availableParallelism } from 'node:os'
import { EDGE_ID, isDeviceId, isServerId, MAX_MESSAGE_BYTES } from '@isthmus/proto'
import { z } from 'zod'

const port = z.int().min(0).max(65_535)
const id = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1 to 64 letters, digits, - and _')
const portOrOff = z.union([port, z.literal('off')], 'must be a port from 0 to 65535, or off')
const count = z.int().min(1)
const ms = z.int().min(1).max(3_600_000)
const amount = z.number().min(0).max(1e9)
const part = z.number().min(0).max(1)
const km = z.number().min(-1e6).max(1e6)

/** What a server offers to the market. Amounts are in the market's own units, the same for servers and devices. */
const offerSchema = z.strictObject({
  /** Kind of server, as bids may want it. */
  kind: z.string().min(1).max(64).default('edge'),
  /** Default: the workers. */
  cpu: amount.optional(),
  memory: amount.default(4),
  accelerator: amount.default(0),
  bandwidth: amount.default(100),
  /** What a unit of demand costs whoever runs it. */
  unitCost: amount.default(0.01),
  reliability: part.default(0.99),
  availability: part.default(0.99),
  /** How little energy it takes: 0 (most) to 1 (least). */
  energy: part.default(0.5),
  /** Where it is, in km. */
  x: km.default(0),
  y: km.default(0),
})

/**
 * Every setting of the server, with its default. The same name serves in the file (`mqttPort`), the environment
 * (`ISTHMUS_EDGE_MQTT_PORT`) and as a flag (`--mqtt-port`).
 */
export const configSchema = z.strictObject({
  site: id.default('default').describe('Name of this installation; second word of every topic.'),
  bundles: z
    .string()
    .min(1)
    .optional()
    .describe('Folder of bundles, or one bundle. Default ./bundles, unless pipelines is given.'),
  pipelines: z.string().min(1).optional().describe('Folder of pipelines, or one pipeline.'),

  broker: z
    .url({
      protocol: /^(mqtt|mqtts|ws|wss)$/,
      hostname: /./,
      error: 'must be a URL such as mqtt://host:1883',
    })
    .optional()
    .describe('URL of an MQTT broker to use in place of the one inside.'),
  brokerUsername: z.string().optional().describe('User name for that broker.'),
  brokerPassword: z.string().optional().describe('Password for that broker.'),

  host: z
    .string()
    .min(1)
    .default('127.0.0.1')
    .describe('Address to listen on; 0.0.0.0 lets other machines in.'),
  mqttPort: port.default(1883).describe('Port of the broker inside, MQTT over TCP; 0 takes a free one.'),
  wsPort: portOrOff
    .default(9001)
    .describe('Port of the broker inside, MQTT over WebSocket; 0 takes a free one, off closes it.'),
  httpPort: portOrOff
    .default(9464)
    .describe('Port of /healthz, /readyz and /metrics; 0 takes a free one, off closes it.'),
  users: z
    .record(
      z.string().refine(isDeviceId, 'must be a device id'),
      z
        .string()
        .regex(/^(?!sha256:).{8,}$|^sha256:[0-9a-f]{64}$/, 'must have 8 characters or be sha256:<64 hex>'),
    )
    .optional()
    .describe('Device id → password (or sha256:<hex of it>). When set, no other device may connect.'),
  maxConnections: count.max(100_000).default(1000).describe('Connections that the broker inside accepts.'),
  packetsPerSecond: count
    .max(1_000_000)
    .default(500)
    .describe('MQTT packets a second from one connection (one more per 16 kB); more wait.'),

  workers: count
    .max(256)
    .default(() => Math.max(1, availableParallelism() - 1))
    .describe('Threads that run tails.'),
  intraOpThreads: count.max(256).default(1).describe('Threads that one tail may use in itself.'),
  maxBatch: count
    .max(64)
    .default(4)
    .describe('Frames that wait for the same tail and are computed together, at most; 1: none.'),
  jobTimeoutMs: ms.default(30_000).describe('A worker that computes longer on one run is restarted.'),

  queue: count.max(65_536).default(128).describe('Requests that may wait for a worker.'),
  credits: count.max(65_536).default(8).describe('Requests that one device may have outstanding.'),
  maxWaitMs: ms.default(10_000).describe('Longest wait of a request, deadline or not.'),
  maxMessageBytes: z
    .int()
    .min(1024)
    .max(MAX_MESSAGE_BYTES)
    .default(MAX_MESSAGE_BYTES)
    .describe('Largest message accepted, in bytes.'),
  maxDevices: count.max(1_000_000).default(10_000).describe('Devices that the server remembers.'),

  adapt: z
    .string()
    .min(1)
    .optional()
    .describe('Adapt local networks to what devices upload; folder for the key, the versions and the state.'),
  adaptSplit: z
    .enum(['off', 'tail', 'both'])
    .default('off')
    .describe('Adapt split networks too: their tails alone, or head and tail together; needs --adapt.'),
  adaptTailMs: ms
    .default(3_600_000)
    .describe('How long a tail waits for a device with the same version of the head.'),
  adaptKeep: z
    .enum(['parameters', 'samples'])
    .default('parameters')
    .describe(
      'What the state holds: parameters alone, or uploaded samples too, for a restart that forgets nothing.',
    ),
  adaptProbe: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Folder of clean photographs (in folders named for their class) that every version is tried on.',
    ),
  adaptEverySteps: count
    .max(1_000_000)
    .default(10)
    .describe('Steps of learning between two versions, at least.'),
  adaptEveryMs: ms.default(30_000).describe('Time between two versions, at least.'),
  adaptSaveMs: ms.default(60_000).describe('Time between two states on the disk.'),
  adaptUploadsPerSecond: z
    .number()
    .positive()
    .max(1000)
    .default(5)
    .describe('Samples that one device may upload a second, on average.'),
  adaptDtype: z
    .enum(['float32', 'float16', 'int8'])
    .default('int8')
    .describe('How the numbers of a patch are written.'),
  adaptThreads: count.max(256).default(1).describe('Threads that learning may use, for each family.'),
  market: z
    .enum(['off', 'critical', 'posted', 'vcg', 'mohaf-2025'])
    .default('off')
    .describe('How devices pay for leases of this server (docs/market.md), or off: none are sold.'),
  id: z
    .string()
    .refine(isServerId, "must be 'edge', or start with 'edge-'")
    .default(EDGE_ID)
    .describe('Name of this server where several share a broker and a market; each needs its own.'),
  marketDir: z
    .string()
    .min(1)
    .optional()
    .describe('Folder where leases and prices outlive the server. Without it, a restart gives them up.'),
  roundMs: z.int().min(50).max(600_000).default(1000).describe('Time between two rounds of the market.'),
  leaseMs: ms.default(30_000).describe('Time for which a lease holds unless it is renewed.'),
  tenureMs: ms
    .default(600_000)
    .describe('Time after which a lease has to be won again, however often it was renewed.'),
  marketShare: z
    .number()
    .positive()
    .max(1)
    .default(0.8)
    .describe('Part of the capacity and of the queue that leases may take.'),
  offer: offerSchema.prefault({}).describe('What this server offers: amounts, cost, scores and place.'),

  stateEveryMs: ms.default(1000).describe('Shortest time between two announcements of the load.'),
  drainTimeoutMs: ms.default(5000).describe('Time that waiting requests have to finish when stopping.'),
  logLevel: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
    .default('info')
    .describe('What is written to the log.'),
})

/** The settings of a running server: complete and checked. */
export type EdgeConfig = z.output<typeof configSchema>
/** Settings as a user gives them: what is left out takes its default. */
export type EdgeConfigInput = z.input<typeof configSchema>
