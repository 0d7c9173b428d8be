import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { keptSoftLabels } from './soft-labels.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'isthmus-soft-labels-'))
})
afterEach(() => rm(folder, { recursive: true }))

it('asks the teacher once, and again when what the labels depend on has changed or the file is damaged', async () => {
  const file = join(folder, 'labels')
  let asked = 0
  const make = async () => {
    asked++
    return Float32Array.of(0.25, 0.75, asked)
  }
  expect(await keptSoftLabels(file, 'teacher-1', make)).toEqual(Float32Array.of(0.25, 0.75, 1))
  expect(await keptSoftLabels(file, 'teacher-1', make)).toEqual(Float32Array.of(0.25, 0.75, 1))
  expect(await keptSoftLabels(file, 'teacher-2', make)).toEqual(Float32Array.of(0.25, 0.75, 2))
  const bytes = await readFile(file)
  await writeFile(file, bytes.subarray(0, bytes.length - 2))
  expect(await keptSoftLabels(file, 'teacher-2', make)).toEqual(Float32Array.of(0.25, 0.75, 3))
})
