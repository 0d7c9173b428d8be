import { expect, it } from 'vitest'
import { pickledBytes } from './pickled-bytes.ts'

// python3 -c 'import pickle, sys; print([(n, sys.getsizeof(pickle.dumps(b"x" * n))) for n in …])', CPython 3.11
it.each([
  [0, 48],
  [1, 49],
  [100, 148],
  [255, 303],
  [256, 307],
  [1000, 1051],
  [65_535, 65_586],
  [65_536, 65_578],
  [200_000, 200_042],
])('a payload of %i bytes is %i as Python pickles it', (payload, python) => {
  expect(pickledBytes(payload)).toBe(python)
})
