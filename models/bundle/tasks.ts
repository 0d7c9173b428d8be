import { z } from 'zod'
import type { Manifest, ModelFile } from './manifest.ts'
import { fraction, modelFile, text } from './schema-values.ts'

/** One way to answer a task: a small network on the head's latent. Its output is logits, one for each of the task's labels. */
export interface TaskDecoder extends ModelFile {
  /** Names the decoder on the wire, among those of all tasks: 1 to 2^32 − 1. */
  id: number
  /** Share of the full width, above 0 and up to 1. */
  width: number
  /** Top-1 accuracy of the task, 0 to 1, on what `measuredOn` names. */
  accuracy: number
}

/** A further question that is answered from the latent, by a decoder of its own beside the tail. */
export interface LatentTask {
  name: string
  /** The name of each answer, in the order of the output. */
  labels: string[]
  decoders: TaskDecoder[]
}

const MOST_TASKS = 16
const MOST_DECODERS = 8

const decoder = modelFile.extend({
  id: z
    .int()
    .min(1)
    .max(2 ** 32 - 1),
  width: z.number().positive().max(1),
  accuracy: fraction,
})

const task = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9][\w.-]{0,63}$/, 'must be 1 to 64 letters, digits, _ . and -'),
  labels: z.array(text).min(1).max(100_000),
  decoders: z.array(decoder).min(1).max(MOST_DECODERS),
})

export const tasksSchema: z.ZodType<LatentTask[]> = z.array(task).max(MOST_TASKS)

/** Every key that means something somewhere in a task. */
export const taskKeys: readonly string[] = [...Object.keys(task.shape), ...Object.keys(decoder.shape)]

/** What contradicts itself about a manifest's tasks, as `path: what is wrong`, or nothing. */
export function tasksFault({ tasks = [], latent, models }: Manifest): string | undefined {
  if (tasks.length > 0 && !(latent && models.tail)) return 'tasks: need latent and models.tail'
  const [names, ids] = [new Set<string>(), new Set<number>()]
  for (const [i, { name, decoders }] of tasks.entries()) {
    if (names.has(name)) return `tasks[${i}].name: '${name}' is already another task's`
    names.add(name)
    for (const [j, { id }] of decoders.entries()) {
      if (ids.has(id)) return `tasks[${i}].decoders[${j}].id: ${id} is already another decoder's`
      ids.add(id)
    }
  }
  return undefined
}

/** The decoders of all tasks. */
export const decodersOf = ({ tasks = [] }: Pick<Manifest, 'tasks'>): TaskDecoder[] =>
  tasks.flatMap(({ decoders }) => decoders)
