import { expect, test } from 'vitest'
import type { Tensor } from './session.ts'
import { inSpare } from './worker-messages.ts'

const floats = (...values: number[]): Tensor<'float32'> => ({
  dtype: 'float32',
  dims: [values.length],
  data: Float32Array.from(values),
})

test('results lie in spare buffers of their size, each in one of its own', () => {
  const spare = [new ArrayBuffer(4), new ArrayBuffer(8), new ArrayBuffer(8)]
  const bytes: Tensor<'uint8'> = { dtype: 'uint8', dims: [8], data: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8) }
  const tensors = { a: floats(1, 2), b: bytes, c: floats(3, 4), d: floats(5, 6, 7) }
  const placed = inSpare(tensors, spare)
  expect(placed).toEqual(tensors)
  expect(placed.a!.data.buffer).toBe(spare[1])
  expect(placed.b!.data.buffer).toBe(spare[2])
  expect(placed.c!.data.buffer).toBe(tensors.c.data.buffer)
  expect(placed.d!.data.buffer).toBe(tensors.d.data.buffer)
})

test('a view is copied as what it shows', () => {
  const data = Float32Array.of(1, 2, 3, 4).subarray(1, 3)
  const placed = inSpare({ a: { dtype: 'float32', dims: [2], data } }, [new ArrayBuffer(8)])
  expect([...(placed.a!.data as Float32Array)]).toEqual([2, 3])
})

test('an empty result needs no memory', () => {
  const empty = floats()
  expect(inSpare({ a: empty }, [new ArrayBuffer(0)]).a).toBe(empty)
})
