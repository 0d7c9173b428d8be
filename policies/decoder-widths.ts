import { policyError } from './errors.ts'

/** One way to run a task's decoder. */
export interface DecoderOption {
  /** Share of the full width, 0..1. */
  readonly width: number
  /** Multiply-adds of one frame. */
  readonly macs: number
  /** 0..1 */
  readonly accuracy: number
}

/** A task that reads the shared latent. */
export interface TaskDecoders {
  readonly task: string
  /** The user's weight; only the ratio to the other tasks' matters. */
  readonly preference: number
  readonly options: readonly DecoderOption[]
}

/** Which decoder each task gets. */
export interface WidthChoice {
  readonly options: Readonly<Record<string, DecoderOption>>
  /** Of all of them. */
  readonly macs: number
}

interface Partial {
  readonly chosen: readonly DecoderOption[]
  readonly macs: number
  readonly value: number
}

/**
 * The widths of several tasks' decoders on one latent that give the greatest sum of preference × accuracy within `macBudget`
 * multiply-adds a frame; of equals the cheapest. So a task that the user prefers gets the wide decoder first (after arXiv
 * 2308.11744, which searches by rule; here the choice is exact: task by task, keeping what no other partial choice beats).
 *
 * Nothing when not even the cheapest decoders fit. Throws BAD_OBSERVATION for numbers that are none and tasks without options.
 */
export function chooseDecoderWidths(
  tasks: readonly TaskDecoders[],
  macBudget: number,
): WidthChoice | undefined {
  check(tasks, macBudget)
  let partials: readonly Partial[] = [{ chosen: [], macs: 0, value: 0 }]
  for (const { preference, options } of tasks) {
    const longer = partials.flatMap(({ chosen, macs, value }) =>
      options.map((option) => ({
        chosen: [...chosen, option],
        macs: macs + option.macs,
        value: value + preference * option.accuracy,
      })),
    )
    partials = undominated(longer.filter(({ macs }) => macs <= macBudget))
  }
  const best = partials[partials.length - 1]
  if (!best) return undefined
  return {
    options: Object.fromEntries(tasks.map(({ task }, i) => [task, best.chosen[i]!])),
    macs: best.macs,
  }
}

/** Cheapest first, each worth more than all that are cheaper. */
function undominated(partials: readonly Partial[]): Partial[] {
  const sorted = [...partials].sort((a, b) => a.macs - b.macs || b.value - a.value)
  const kept: Partial[] = []
  for (const one of sorted) {
    if (kept.length === 0 || one.value > kept[kept.length - 1]!.value) kept.push(one)
  }
  return kept
}

function check(tasks: readonly TaskDecoders[], macBudget: number): void {
  const bad = (what: string) => policyError('BAD_OBSERVATION', what)
  if (Number.isNaN(macBudget)) throw bad('macBudget is not a number.')
  const names = new Set(tasks.map(({ task }) => task))
  if (names.size < tasks.length) throw bad('Two tasks have the same name.')
  for (const { task, preference, options } of tasks) {
    if (!(preference >= 0 && Number.isFinite(preference))) {
      throw bad(`The preference for ${task} must be a number from 0, got ${preference}.`)
    }
    if (options.length === 0) throw bad(`Task ${task} has no decoder.`)
    const isNumber = ({ macs, accuracy }: DecoderOption) => macs >= 0 && accuracy >= 0 && accuracy <= 1
    if (!options.every(isNumber)) throw bad(`A decoder of ${task} has impossible macs or accuracy.`)
  }
}
