import { z } from 'zod'

// What several parts of a manifest are made of.

export const count = z.int().nonnegative()
export const text = z.string().min(1).max(200)
export const fraction = z.number().min(0).max(1)

/** A path that stays below the folder whatever the system: plain names, joined by `/`. */
const relativePath = z
  .string()
  .max(200)
  .regex(
    /^[A-Za-z0-9_][\w.-]*(\/[A-Za-z0-9_][\w.-]*)*$/,
    'must be a plain relative path with / between names',
  )
  .refine((path) => path.toLowerCase() !== 'manifest.json', 'must not be the manifest')

export const modelFile = z.strictObject({
  file: relativePath,
  sha256: z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 lowercase hexadecimal digits'),
  bytes: z
    .int()
    .positive()
    .max(2 ** 31 - 1),
  macs: count,
  params: count,
  accuracy: fraction.optional(),
})
