import { privacyLevels, selectorNames, type UploadSelector } from '@isthmus/policies/upload'
import { z } from 'zod'
import type { Frame } from '../frame.ts'
import type { AdaptationEvent } from './events.ts'

const share = z.number().min(0).max(1)

const selector = z.custom<UploadSelector>(
  (value) => typeof (value as Partial<UploadSelector> | null)?.judge === 'function',
  `must be one of ${selectorNames.join(', ')} or an object with judge`,
)

const statisticsSchema = z.strictObject({
  /** Frames that move the statistics together; a great shift shows in 16 of them. */
  frames: z.int().min(8).max(4096).default(64),
  /** Of the time, what the forward passes over them may take. */
  busyShare: z.number().min(0.001).max(1).default(0.1),
})

/** How own statistics are taken where nothing is said. */
export const statisticsOptions = statisticsSchema.parse({})

/** How a device takes part in adaptation: what it may send, and whose patches it takes. */
export const adaptationOptions = z.strictObject({
  /** What of a frame may leave the device to be learned from. */
  privacy: z.enum(privacyLevels).default('nothing'),
  /**
   * Whose frames may be sent: those that the local network has answered, or, at `raw`, also those that a server's tail has answered on
   * their latent, for a server that adapts its tails.
   */
  learnFrom: z.enum(['local', 'split-too']).default('local'),
  /** Bytes that samples may take in any hour. */
  bytesPerHour: z.number().min(0).max(1e12).default(10_000_000),
  /** Which frames are worth sending. */
  selector: z.union([z.enum(selectorNames), selector]).default('cema'),
  /** Samples that wait for the uplink. */
  queue: z
    .strictObject({
      entries: z.int().min(1).max(65_536).default(64),
      bytes: z
        .int()
        .min(1)
        .max(2 ** 30)
        .default(4 << 20),
    })
    .prefault({}),
  /** How pictures are sent. Left out: as they are when they are small, else as JPEG. */
  image: z
    .strictObject({
      codec: z.enum(['raw', 'png', 'jpeg', 'webp']),
      quality: z.int().min(1).max(100).optional(),
    })
    .optional(),
  /** The server's public key (Ed25519, as `publicKeyText` of @isthmus/models/patch gives it). Without it no patch is taken. */
  patchKey: z.string().min(1).optional(),
  /**
   * Running statistics of the local network's normalisation layers, taken from the device's own frames, with or without a server. Left out: on
   * where there is a `patchKey`, for then the network changes anyhow; {}: on; false: off.
   */
  statistics: z.union([z.literal(false), statisticsSchema]).optional(),
  /** Watches the answers after a patch; false: patches are on no trial. */
  guard: z
    .union([
      z.literal(false),
      z.strictObject({
        /** Answers that a patch is judged by. */
        window: z.int().min(2).max(1_000_000).default(128),
        entropyShare: share.default(0.15),
        labelShare: share.default(0.8),
        labelGrowth: share.default(0.3),
      }),
    ])
    .prefault({}),
  /** Clean frames whose labels are known: a patch that makes the local network do worse on them is not adopted. */
  probes: z
    .strictObject({
      frames: z
        .array(
          z.strictObject({
            frame: z.custom<Frame>((value) => typeof value === 'object' && value !== null, 'must be a frame'),
            label: z.union([z.string(), z.int().min(0)]),
          }),
        )
        .min(1)
        .max(4096),
      /** How much smaller the share of right answers may be than that of the network as packed. */
      drop: share.default(0.1),
    })
    .optional(),
  /** Told what happens, for a log. */
  onEvent: z.custom<(event: AdaptationEvent) => void>((value) => typeof value === 'function').optional(),
})

export type AdaptationOptions = z.output<typeof adaptationOptions>
