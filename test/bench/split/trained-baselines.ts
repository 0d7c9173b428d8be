import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import type { OperatingPoint } from './operating-points.ts'
import { leftOut, type Part } from './part.ts'

/** Trainings take hours, so their outcome is kept: one JSON file a method, written by the command that it names. */
const folder = fileURLToPath(new URL('../../../bench/split/trained/', import.meta.url))

/** One trained method. `mode`: the mode of the slimmable bundle that the point stands beside, when it is that mode trained on its own. */
const trainedSchema = z.strictObject({
  /** Key of the curve: `autoencoder`, `head-distillation`, `end-to-end`, `fixed-modes`, … */
  method: z.string().regex(/^[a-z0-9-]+$/),
  label: z.string().min(1),
  about: z.string().min(1),
  /** The command that trained it. */
  command: z.string().min(1),
  date: z.iso.date(),
  seed: z.int(),
  epochs: z.number().positive(),
  wallTimeS: z.number().positive(),
  dataSha256: z.string().length(64),
  /** On all 10,000 test images. */
  points: z
    .array(
      z.strictObject({
        bytes: z.number().positive(),
        top1: z.number().min(0).max(100),
        mode: z.string().optional(),
      }),
    )
    .min(1),
})

export type TrainedMethod = z.output<typeof trainedSchema>

export async function readTrained(from = folder): Promise<TrainedMethod[]> {
  const names = await readdir(from).catch(() => [])
  const files = names.filter((name) => name.endsWith('.json')).sort()
  return Promise.all(
    files.map(async (name) => trainedSchema.parse(JSON.parse(await readFile(`${from}/${name}`, 'utf8')))),
  )
}

/** What fixed modes gain over ours, the worst of those that stand beside one; undefined when none does. */
export function slimmableTax(
  methods: readonly TrainedMethod[],
  ours: readonly Pick<OperatingPoint, 'name' | 'top1'>[],
): number | undefined {
  const taxes = methods
    .flatMap(({ points }) => points)
    .flatMap(({ mode, top1 }) => {
      const own = ours.find(({ name }) => name === mode)
      return own ? [top1 - own.top1] : []
    })
  return taxes.length > 0 ? Math.max(...taxes) : undefined
}

/** Baselines that had to be trained, as their trainings left them. */
export async function trainedBaselines(ours: readonly OperatingPoint[]): Promise<Part> {
  const methods = await readTrained()
  const tax = slimmableTax(methods, ours)
  const peers = { trained: Object.fromEntries(methods.map(({ method, ...rest }) => [method, rest])) }
  if (tax === undefined) {
    return { peers, ...leftOut(['slimmableTaxPts'], 'no mode of this bundle has been trained on its own') }
  }
  return { peers, figures: { slimmableTaxPts: tax } }
}
