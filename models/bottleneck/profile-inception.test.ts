import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { readModelFile } from '../onnx/index.ts'
import { openSession } from '../runtime/index.ts'
import { planPair } from './plan.ts'
import { profileTeacher } from './profile.ts'
import { readTeacher } from './teacher.ts'

// A network that was not built here. The folder is no part of the repository.
const file = join(process.env.ISTHMUS_SHARED_DATA ?? '', 'models', 'inception-v3.onnx')

it.skipIf(!existsSync(file))(
  'Inception V3 is to be cut behind its stem (skipped without ISTHMUS_SHARED_DATA=FOLDER)',
  async () => {
    const teacher = readTeacher(await readModelFile(file))
    const profile = await profileTeacher(teacher, openSession, 1, () => {})
    expect(profile.wholeMs).toBeGreaterThan(0)
    expect(profile.candidates.length).toBeGreaterThan(10)
    expect(profile.candidates.every(({ headMs }) => headMs > 0)).toBe(true)
    const plan = planPair(teacher, profile, { cut: undefined, channels: undefined })
    expect(plan.cut).toMatchObject({ tensor: 't16', dims: [1, 192, 35, 35] })
    expect(plan.points.map(({ tensor }) => tensor)).toEqual(['t16', 't85'])
    expect(plan.shape.latent).toEqual({ channels: 96, side: 19 })
    expect(plan.encoder.macs).toBeLessThan(0.25 * plan.cut.headMacs)
    expect(() => planPair(teacher, profile, { cut: 't311', channels: 96 })).toThrow(/Cuts that do: .*"t16"/)
  },
  240_000,
)
