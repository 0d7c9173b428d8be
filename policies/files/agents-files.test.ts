import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  type AgentsManifest,
  type Communication,
  DIVISION_ROW,
  defaultComDdpg,
  initialActor,
  ROW,
} from '../com-ddpg/index.ts'
import { RandomStream } from '../env/index.ts'
import { holdsAgents, loadAgents, loadPolicy, saveAgents } from './index.ts'

const recipe = defaultComDdpg({ env: 'dag', users: 3 }, 5)

function networkOf(communication: Communication = 'bidirectional') {
  const shape = { row: ROW, hidden: 3, message: 2, heard: 2, communication }
  const weights = initialActor(shape, new RandomStream(9))
  weights.get('skip.weight')![3] = -0
  return { shape, weights }
}
const network = networkOf()

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'isthmus-agents-'))
  await saveAgents(folder, { name: 'mine', network, recipe, minutes: 2, machine: 'a small one' })
})
afterEach(() => rm(folder, { recursive: true }))

const file = (name: string) => join(folder, name)
const manifestOf = async () => JSON.parse(await readFile(file('manifest.json'), 'utf8')) as AgentsManifest
const change = async (changes: object) =>
  writeFile(file('manifest.json'), JSON.stringify({ ...(await manifestOf()), ...changes }))
const refused = async (code: string, message: RegExp) =>
  expect(loadAgents(folder)).rejects.toMatchObject({ code, message: expect.stringMatching(message) })

describe('a folder of agents', () => {
  it.each<Communication>(['bidirectional', 'attention', 'none'])(
    'is read as it was written: %s',
    async (communication) => {
      const own = networkOf(communication)
      await saveAgents(folder, { name: 'mine', network: own, recipe, minutes: 2, machine: 'a small one' })
      const { manifest, network: read } = await loadAgents(folder)
      expect(manifest).toEqual(await manifestOf())
      expect(manifest).toMatchObject({ rows: 'offload-rows/1', observation: 'offload/1', name: 'mine' })
      expect(manifest.training.recipe).toEqual(recipe)
      expect(read).toEqual(own)
      expect(await holdsAgents(folder)).toBe(true)
    },
  )

  it('is read as it was written, of agents that divide tasks', async () => {
    const problem = { env: 'dag', users: 3, divisible: 1 } as const
    const shape = { ...network.shape, row: DIVISION_ROW, ratio: true } as const
    const own = { shape, weights: initialActor(shape, new RandomStream(9)) }
    const dividing = defaultComDdpg(problem, 5)
    expect(dividing.ratio).toBe(true)
    await saveAgents(folder, { name: 'mine', network: own, recipe: dividing, minutes: 2, machine: 'm' })
    const { manifest, network: read } = await loadAgents(folder)
    expect(manifest).toMatchObject({ rows: 'offload-rows/2', shape: { ratio: true } })
    expect(read).toEqual(own)
    const { ratio: _, ...whole } = shape
    await change({ shape: whole })
    await refused('BAD_POLICY', /agents\.f32 has \d+ bytes; agents of this shape have \d+/)
    await change({ shape: { ...shape, ratio: false } })
    await refused('BAD_POLICY', /shape\.ratio/)
    await change({ shape: { ...shape, row: ROW } })
    await refused('BAD_POLICY', /shape\.row is 15/)
    await change({ shape, training: { ...manifest.training, recipe: { problem: { env: 'dag' } } } })
    await refused('POLICY_VERSION', /rows: /)
  })

  it('that divide tasks is none where no task can be divided', async () => {
    await change({ shape: { ...network.shape, ratio: true } })
    await refused('BAD_POLICY', /shape\.ratio: .*no tasks that can be divided/)
  })

  it('holds the weights one after the other, little-endian', async () => {
    const bytes = await readFile(file('agents.f32'))
    const [first] = network.weights.get('encoder.weight')!
    expect(bytes.readFloatLE(0)).toBe(first)
    expect(bytes.readFloatLE(bytes.length - 4 * ROW)).toBe(10)
  })

  it('says that it, or a file of it, is missing', async () => {
    await expect(loadAgents(file('nowhere'))).rejects.toMatchObject({
      code: 'POLICY_UNREADABLE',
      message: expect.stringContaining('nowhere'),
    })
    await rm(file('agents.f32'))
    await refused('POLICY_UNREADABLE', /agents\.f32: there is none/)
    expect(await holdsAgents(file('nowhere'))).toBe(false)
  })

  it('is no policy of a single device', async () => {
    await expect(loadPolicy(folder)).rejects.toMatchObject({ code: 'BAD_POLICY' })
  })
})

describe('a damaged folder of agents', () => {
  it('is refused by the field that is wrong', async () => {
    const { shape } = network
    const { training } = await manifestOf()
    await change({ shape: { ...shape, hidden: 1e9 } })
    await refused('BAD_POLICY', /shape\.hidden/)
    await change({ shape: { ...shape, hidden: 4 } })
    await refused('BAD_POLICY', /agents\.f32 has \d+ bytes; agents of this shape have \d+/)
    await change({ shape: { ...shape, row: ROW + 1 } })
    await refused('BAD_POLICY', /shape\.row is 16/)
    await change({ shape, weights: { file: '../agents.f32', sha256: '0'.repeat(64) } })
    await refused('BAD_POLICY', /weights\.file/)
    await change({ weights: { file: 'agents.f32', sha256: '0'.repeat(64) } })
    await refused('POLICY_CHANGED', /agents\.f32 has SHA-256/)
    await change({ training: { ...training, recipe: { problem: { env: 'dag', users: -3 } } } })
    await refused('BAD_POLICY', /training\.recipe\.problem\.users/)
    await change({ training: { ...training, recipe: { problem: { env: 'chess' } } } })
    await refused('BAD_POLICY', /training\.recipe\.problem/)
    await change({ training, more: 1 })
    await refused('BAD_POLICY', /"more"/)
    for (const json of ['null', '7', '[]', '"isthmus-agents/1"', '{"format":']) {
      await writeFile(file('manifest.json'), json)
      await refused('BAD_POLICY', /manifest: /)
      expect(await holdsAgents(folder)).toBe(false)
    }
  })

  it('is told from one of another version', async () => {
    await change({ rows: 'offload-rows/99' })
    await refused('POLICY_VERSION', /rows: .*offload-rows\/99.*dag.*offload-rows\/1/)
    await change({ rows: 'offload-rows/1', observation: 'offload/99' })
    await refused('POLICY_VERSION', /observation: .*offload\/99/)
    await change({ observation: 'offload/1', format: 'isthmus-agents/2' })
    await refused('POLICY_VERSION', /isthmus-agents\/2/)
    expect(await holdsAgents(folder)).toBe(true)
  })

  it('is refused whichever byte of the weights is another, or wherever they end', async () => {
    const whole = await readFile(file('agents.f32'))
    const byte = fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }))
    await fc.assert(
      fc.asyncProperty(byte, async ([at, difference]) => {
        const changed = Buffer.from(whole)
        changed[at]! ^= difference
        await writeFile(file('agents.f32'), changed)
        await refused('POLICY_CHANGED', /agents\.f32/)
      }),
      { numRuns: 60 },
    )
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), async (length) => {
        await writeFile(file('agents.f32'), whole.subarray(0, length))
        await refused('BAD_POLICY', /agents\.f32 has \d+ bytes/)
      }),
      { numRuns: 30 },
    )
    await writeFile(file('agents.f32'), Buffer.concat([whole, Buffer.alloc(4)]))
    await refused('BAD_POLICY', /agents\.f32 has \d+ bytes/)
  })

  it('gives a named error or the same agents, whichever byte of the manifest is another, or wherever it ends', async () => {
    const whole = await readFile(file('manifest.json'))
    const read = async (bytes: Buffer) => {
      await writeFile(file('manifest.json'), bytes)
      return loadAgents(folder).then(
        ({ network: read }) => expect(read).toEqual(network),
        ({ code }) => expect(['BAD_POLICY', 'POLICY_CHANGED', 'POLICY_VERSION']).toContain(code),
      )
    }
    const byte = fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }))
    await fc.assert(
      fc.asyncProperty(byte, async ([at, difference]) => {
        const changed = Buffer.from(whole)
        changed[at]! ^= difference
        await read(changed)
      }),
      { numRuns: 200 },
    )
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 3), async (length) => {
        await writeFile(file('manifest.json'), whole.subarray(0, length))
        await refused('BAD_POLICY', /holds no JSON/)
      }),
      { numRuns: 30 },
    )
  })
})

it('weights that are none are neither written nor read', async () => {
  const broken = networkOf()
  broken.weights.get('head.bias')![1] = Number.NaN
  const finished = { name: 'mine', network: broken, recipe, minutes: 2, machine: 'a small one' }
  const save = () => saveAgents(folder, finished)
  await expect(save()).rejects.toMatchObject({
    code: 'BAD_POLICY',
    message: expect.stringContaining('head.bias'),
  })
  broken.weights.set('head.bias', new Float32Array(2))
  await expect(save()).rejects.toMatchObject({ message: expect.stringContaining('head.bias has 2') })
  broken.weights.delete('head.bias')
  await expect(save()).rejects.toMatchObject({ message: expect.stringContaining('head.bias has no') })
  // What was there is whole.
  expect((await loadAgents(folder)).network).toEqual(network)

  const bytes = await readFile(file('agents.f32'))
  bytes.writeFloatLE(Number.POSITIVE_INFINITY, 8)
  await writeFile(file('agents.f32'), bytes)
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  await change({ weights: { file: 'agents.f32', sha256 } })
  await refused('BAD_POLICY', /weight encoder\.weight is not finite/)
})
