import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { RandomStream } from '../env/index.ts'
import { initialWeights, mecCandidates, type PolicyManifest } from '../gmorl/index.ts'
import { loadPolicy, savePolicy } from './index.ts'

const { rowLength, contextLength } = mecCandidates
const shape = { rowLength, contextLength, hidden: 5, outputs: 1 }
const weights = initialWeights(shape, new RandomStream(9), 1)
const range = (length: number) => ({
  low: new Array<number>(length).fill(-1),
  high: new Array<number>(length).fill(1),
})

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'isthmus-policy-'))
  await savePolicy(folder, {
    name: 'mine',
    network: { shape, weights },
    encoding: mecCandidates,
    objectives: ['delay', 'energy'],
    seen: { rows: range(rowLength), context: range(contextLength) },
    training: { recipe: { any: 1 }, minutes: 2, machine: 'a small one' },
  })
})
afterEach(() => rm(folder, { recursive: true }))

const manifestOf = async () =>
  JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')) as PolicyManifest
const change = async (changes: object) =>
  writeFile(join(folder, 'manifest.json'), JSON.stringify({ ...(await manifestOf()), ...changes }))
const refused = async (code: string, message: RegExp) =>
  expect(loadPolicy(folder)).rejects.toMatchObject({ code, message: expect.stringMatching(message) })

it('reads what it wrote', async () => {
  const { manifest, network, encoding } = await loadPolicy(folder)
  expect(manifest).toEqual(await manifestOf())
  expect(network.weights).toEqual(weights)
  expect(encoding.version).toBe(manifest.encoding)
})

it('says that a folder, or a file of it, is missing', async () => {
  await expect(loadPolicy(join(folder, 'nowhere'))).rejects.toMatchObject({
    code: 'POLICY_UNREADABLE',
    message: expect.stringContaining('nowhere'),
  })
  await rm(join(folder, 'policy.onnx'))
  await refused('POLICY_UNREADABLE', /policy\.onnx: there is none/)
})

it('names the field of a damaged manifest', async () => {
  await change({ objectives: ['delay'] })
  await refused('BAD_POLICY', /objectives/)
  await change({ objectives: ['delay', 'energy'], shape: { ...shape, rowLength: 3 } })
  await refused('BAD_POLICY', /rows has|rowLength/)
  await change({ objectives: ['delay', 'energy'], shape: { ...shape, outputs: 3 } })
  await refused('BAD_POLICY', /shape\.outputs is 3/)
  await change({ shape, objectives: ['delay', 'energy', 'error'] })
  await refused('BAD_POLICY', /objectives: there are 3/)
  await change({ objectives: ['delay', 'energy'], observation: 'mec/99' })
  await refused('BAD_POLICY', /observation is mec\/99/)
  await writeFile(join(folder, 'manifest.json'), '{"format":')
  await refused('BAD_POLICY', /no JSON/)
})

it('refuses another model than the manifest was written for', async () => {
  const file = join(folder, 'policy.onnx')
  const bytes = await readFile(file)
  bytes[bytes.length - 1]! ^= 1
  await writeFile(file, bytes)
  await refused('POLICY_CHANGED', /policy\.onnx has SHA-256/)
})

it('refuses an encoding that it does not know', async () => {
  await change({ encoding: 'mec-candidates/99' })
  await refused('POLICY_VERSION', /mec-candidates\/99.*mec-candidates/)
})
