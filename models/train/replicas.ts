import { modelError } from '../errors.ts'
import type { Tensor } from '../runtime/index.ts'

type Tensors = Readonly<Record<string, Tensor>>

/**
 * The rows of replica `at` of `count`: equal parts of each tensor along its first axis, in order; a scalar is for all of them. Throws BAD_FEED
 * for rows that do not divide.
 */
export function rowsOf(feeds: Tensors, at: number, count: number): Tensors {
  if (count === 1) return feeds
  return Object.fromEntries(
    Object.entries(feeds).map(([name, { dtype, dims, data }]) => {
      const [rows] = dims
      if (rows === undefined) return [name, { dtype, dims, data } as Tensor]
      if (rows % count !== 0)
        throw modelError('BAD_FEED', `The ${rows} rows of '${name}' do not divide into ${count} equal parts.`)
      const length = data.length / count
      const part = data.subarray(at * length, (at + 1) * length)
      return [name, { dtype, dims: [rows / count, ...dims.slice(1)], data: part } as Tensor]
    }),
  )
}

/** The mean of each float32 output over all replicas. */
export function meanOf(results: readonly Record<string, Tensor>[]): Record<string, Tensor> {
  const [first, ...others] = results as [Record<string, Tensor>, ...Record<string, Tensor>[]]
  return Object.fromEntries(
    Object.entries(first).map(([name, tensor]) => {
      if (tensor.dtype !== 'float32') return [name, tensor]
      const mean = (tensor.data as Float32Array).slice()
      for (const other of others) {
        const values = other[name]!.data as Float32Array
        for (let i = 0; i < mean.length; i++) mean[i]! += values[i]!
      }
      for (let i = 0; i < mean.length; i++) mean[i]! /= results.length
      return [name, { ...tensor, data: mean } as Tensor]
    }),
  )
}
