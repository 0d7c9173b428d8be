import { z } from 'zod'

// What several parts of a manifest are made of.

export const count = z.int().nonnegative()
export const text = z.string().min(1).max(200)
export const fraction = z.number().min(0).max(1)

/** A path that stays below the folder whatever the system, plain names joined by `/`, and is not the file that names it. */
export const pathBelow = (namedBy: string, fault: string) =>
  z
    .string()
    .max(200)
    .regex(
      /^[A-Za-z0-9_][\w.-]*(\/[A-Za-z0-9_][\w.-]*)*$/,
      'must be a plain relative path with / between names',
    )
    .refine((path) => path.toLowerCase() !== namedBy, fault)

export const modelFile = z.strictObject({
  file: pathBelow('manifest.json', 'must not be the manifest'),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 lowercase hexadecimal digits'),
  bytes: z
    .int()
    .positive()
    .max(2 ** 31 - 1),
  macs: count,
  params: count,
  accuracy: fraction.optional(),
})
