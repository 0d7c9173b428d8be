import type { LatentTask, TaskDecoder } from '@isthmus/models/bundle'
import { chooseDecoderWidths } from '@isthmus/policies'
import { type InferReply, MAX_DECODERS } from '@isthmus/proto'
import { z } from 'zod'
import type { Guess } from './answer.ts'
import { deviceError } from './errors.ts'
import { allFinite, bestGuesses } from './guesses.ts'

export const taskWishSchema = z.strictObject({
  /** By task how much it matters, against the others; 0, or left out: it is not asked. */
  preference: z.record(z.string(), z.number().min(0).max(1e6)),
  /** Multiply-adds of a frame that the decoders may take together. Left out: as many as they like. */
  macs: z.number().min(0).optional(),
})

/** Which further tasks of the bundle are to be answered, too. */
export type TaskWish = z.output<typeof taskWishSchema>

/** What a decoder says of a frame. */
export interface TaskAnswer {
  /** Best guesses first. */
  readonly top: readonly Guess[]
  /** Logits. */
  readonly output: Float32Array
  /** Width of the decoder that gave it, as a share of the full one. */
  readonly width: number
}

/** A decoder, and the task that it answers. */
interface Known {
  readonly task: LatentTask
  readonly decoder: TaskDecoder
}

/** The further tasks of a bundle: asks for the decoders that the wish is served best by, and reads what they say. */
export class LatentTasks {
  readonly #tasks: readonly LatentTask[]
  readonly #known: ReadonlyMap<number, Known>
  #wish: TaskWish
  #decoders: readonly number[]

  /** Throws BAD_OPTIONS. */
  constructor(tasks: readonly LatentTask[], wish: TaskWish) {
    this.#tasks = tasks
    this.#known = new Map(
      tasks.flatMap((task) => task.decoders.map((decoder) => [decoder.id, { task, decoder }] as const)),
    )
    this.#wish = checked(wish)
    this.#decoders = this.#chosen(this.#wish)
  }

  get wish(): TaskWish {
    return this.#wish
  }

  /** Throws BAD_OPTIONS naming what is wrong, and keeps what was. */
  set wish(wish: TaskWish) {
    const next = checked(wish)
    this.#decoders = this.#chosen(next)
    this.#wish = next
  }

  /** Those to ask for, one for each task. */
  get decoders(): readonly number[] {
    return this.#decoders
  }

  /**
   * What a reply's decoders say; `values` are their numbers, one decoder's behind another's. Those that were not asked, or are not of the bundle, are
   * passed over.
   */
  read(
    { decoders, decoderValues }: InferReply,
    values: Float32Array,
    asked: readonly number[],
  ): Record<string, TaskAnswer> | undefined {
    const answers: Record<string, TaskAnswer> = {}
    let end = 0
    for (const [at, id] of decoders.entries()) {
      const output = values.slice(end, end + decoderValues[at]!)
      end += decoderValues[at]!
      const known = this.#known.get(id)
      if (!asked.includes(id) || output.length !== known?.task.labels.length || !allFinite(output)) continue
      const { task, decoder } = known
      answers[task.name] = { top: bestGuesses(output, 'logits', task.labels), output, width: decoder.width }
    }
    return Object.keys(answers).length > 0 ? answers : undefined
  }

  #chosen({ preference, macs = Number.POSITIVE_INFINITY }: TaskWish): readonly number[] {
    const stranger = Object.keys(preference).find((name) => !this.#tasks.some((task) => task.name === name))
    if (stranger !== undefined) {
      const names = this.#tasks.map(({ name }) => name).join(', ')
      const has = names === '' ? 'has no further tasks' : `has ${names}`
      throw deviceError('BAD_OPTIONS', `tasks.preference.${stranger}: the bundle ${has}.`)
    }
    const asked = this.#tasks.filter(({ name }) => (preference[name] ?? 0) > 0)
    if (asked.length > MAX_DECODERS)
      throw deviceError(
        'BAD_OPTIONS',
        `tasks.preference: at most ${MAX_DECODERS} tasks, got ${asked.length}.`,
      )
    const choice = chooseDecoderWidths(
      asked.map(({ name: task, decoders: options }) => ({ task, preference: preference[task]!, options })),
      macs,
    )
    if (!choice) {
      const least = asked.reduce(
        (sum, { decoders }) => sum + Math.min(...decoders.map((decoder) => decoder.macs)),
        0,
      )
      throw deviceError(
        'BAD_OPTIONS',
        `tasks.macs: the smallest decoders take ${least} multiply-adds, not ${macs}.`,
      )
    }
    return asked.map(({ name }) => (choice.options[name] as TaskDecoder).id)
  }
}

function checked(wish: TaskWish): TaskWish {
  const result = taskWishSchema.safeParse(wish)
  if (result.success) return result.data
  const { path, message } = result.error.issues[0]!
  throw deviceError('BAD_OPTIONS', `${['tasks', ...path].join('.')}: ${message}.`)
}
