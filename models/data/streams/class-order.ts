import { dataError } from '../errors.ts'
import { type Random, shuffledIndices } from '../random.ts'

/**
 * How the classes follow each other. `shuffled`: independently. `sorted`: one class after the other. A concentration:
 * in runs. Each class is dealt to as many slots as there are classes, in shares from a symmetric Dirichlet
 * distribution of that concentration; the slots follow each other, in each slot one class after the other (as in Yuan et al., "Robust
 * test-time adaptation in dynamic scenarios", CVPR 2023, who use 0.1). A large one mixes the classes in every slot;
 * towards 0 nearly every class comes in one run.
 */
export type ClassOrder = 'shuffled' | 'sorted' | { concentration: number }

/** An order of the images: each index once, `[count]`. */
export function classOrder(labels: Uint8Array, order: ClassOrder, random: Random): Uint32Array {
  const shuffled = shuffledIndices(labels.length, random)
  if (order === 'shuffled') return shuffled
  const classes = [...new Set(labels)].sort((a, b) => a - b)
  const members = new Map(classes.map((label) => [label, [] as number[]]))
  for (const index of shuffled) members.get(labels[index]!)!.push(index)
  if (order === 'sorted') return Uint32Array.from(classes.flatMap((label) => members.get(label)!))

  const slots = classes.map(() => [] as number[][])
  for (const label of classes) {
    const own = members.get(label)!
    let share = 0
    let from = 0
    const shares = dirichlet(order.concentration, slots.length, random)
    shares.forEach((part, slot) => {
      share += part
      // All that is left goes to the last slot: shares add up to 1 only nearly.
      const end =
        slot === slots.length - 1 ? own.length : Math.min(own.length, Math.round(share * own.length))
      slots[slot]!.push(own.slice(from, end))
      from = end
    })
  }
  const flat = slots.flatMap((runs) => Array.from(shuffledIndices(runs.length, random), (k) => runs[k]!))
  return Uint32Array.from(flat.flat())
}

/** One draw from a symmetric Dirichlet distribution: `count` shares that add up to 1. */
export function dirichlet(concentration: number, count: number, random: Random): number[] {
  if (!(concentration > 0 && concentration <= 1e6)) {
    throw dataError('BAD_OPTION', `concentration ${concentration} must be above 0 and at most a million`)
  }
  // In logarithms: at concentrations below 0.01 most shares are too small for a number.
  const logs = Array.from({ length: count }, () => logGamma(concentration, random))
  const most = Math.max(...logs)
  const weights = logs.map((log) => Math.exp(log - most))
  const sum = weights.reduce((total, weight) => total + weight, 0)
  return weights.map((weight) => weight / sum)
}

/** Logarithm of a Gamma(shape, 1) variable (Marsaglia and Tsang 2000; below 1 as Gamma(shape + 1)·U^(1/shape)). */
function logGamma(shape: number, random: Random): number {
  const d = shape + 1 - 1 / 3
  const c = 1 / Math.sqrt(9 * d)
  const logUniform = (): number => Math.log(1 - random.uniform())
  for (;;) {
    const normal = random.normal()
    const v = (1 + c * normal) ** 3
    if (v <= 0) continue
    if (logUniform() < (normal * normal) / 2 + d - d * v + d * Math.log(v)) {
      return Math.log(d * v) + logUniform() / shape
    }
  }
}
