import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { seedMean } from '../seed-mean.ts'
import { figuresOf } from './errors.ts'
import { errorsTable } from './errors-table.ts'
import type { MethodName } from './methods.ts'
import type { Played } from './played.ts'
import { type PlayedCell, readLog, writeLog } from './played-log.ts'

const methods: readonly MethodName[] = ['source', 'bn-1', 'tent', 'eata', 'cema']

/** Every `every`-th answer wrong, every `picked`-th image sent up. */
function played(count: number, every: number, picked: number): Played {
  const at = Array.from({ length: count }, (_, index) => index)
  return {
    index: Uint16Array.from(at, (index) => 9999 - index),
    label: Uint8Array.from(at, (index) => index % 10),
    prediction: Uint8Array.from(at, (index) => (index + (index % every === 0 ? 1 : 0)) % 10),
    entropy: Float32Array.from(at, (index) => index / 1000),
    selected: Uint8Array.from(at, (index) => (index % picked === 0 ? 1 : 0)),
    version: Uint32Array.from(at, (index) => Math.floor(index / 64)),
  }
}

const cells: PlayedCell[] = (['fog', 'snow'] as const).flatMap((type) =>
  ([3, 5] as const).flatMap((severity) =>
    [1, 2].map((seed) => ({
      type,
      severity,
      seed,
      played: Object.fromEntries(methods.map((method, at) => [method, played(640, 2 + at, 2 + seed)])),
    })),
  ),
)

it('computes every figure from the log alone', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'isthmus-log-'))
  for (const cell of cells) await writeLog(folder, { ...cell, count: 640, methods }, cell.played)
  const read = await readLog(folder)
  await rm(folder, { recursive: true })
  expect(figuresOf(errorsTable(read))).toEqual(figuresOf(errorsTable(cells)))
  const { figures } = figuresOf(errorsTable(read))
  expect(figures?.errSource_s5).toBeCloseTo(50, 10)
  expect(figures?.errTent_s3).toBeCloseTo(25, 10)
  expect(figures?.orderHolds_s5).toBe(1)
  // 1/3 of the images for one seed, 1/4 for the other.
  expect(figures?.uploadShare_s5).toBeCloseTo((214 / 640 + 160 / 640) / 2, 10)
  expect(figures?.cemaOfSource_s3).toBeCloseTo(107 / 320, 10)
})

it('gives a mean over seeds its interval by the distribution of Student', () => {
  const { mean, interval95 } = seedMean([1, 2, 3])
  expect(mean).toBe(2)
  // 4.303 · 1 / √3.
  expect(interval95![1] - mean).toBeCloseTo(2.4843, 3)
  expect(seedMean([5])).toEqual({ mean: 5 })
})
