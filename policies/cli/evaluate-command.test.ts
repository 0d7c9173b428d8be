import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { RandomStream } from '../env/index.ts'
import { savePolicy } from '../files/index.ts'
import { initialWeights, mecCandidates } from '../gmorl/index.ts'
import { cli, tinyRecipe } from './run.test.kit.ts'

let folder: string
const few = ['--points', '11', '--seeds', '2', '--episodes', '3', '--collectors', '1']

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'isthmus-evaluate-'))
  const { rowLength, contextLength } = mecCandidates
  const shape = { rowLength, contextLength, hidden: 4, outputs: 1 }
  const range = (length: number) => ({
    low: new Array<number>(length).fill(0),
    high: new Array<number>(length).fill(1),
  })
  await savePolicy(folder, {
    name: 'untrained',
    network: { shape, weights: initialWeights(shape, new RandomStream(1), 1) },
    encoding: mecCandidates,
    objectives: ['delay', 'energy'],
    seen: { rows: range(rowLength), context: range(contextLength) },
    training: { recipe: tinyRecipe, minutes: 0, machine: 'none' },
  })
})
afterAll(() => rm(folder, { recursive: true }))

describe('isthmus-policies evaluate', () => {
  it('compares a policy with greedy and the others, and draws the fronts', async () => {
    const svg = join(folder, 'fronts.svg')
    const result = await cli(['evaluate', folder, ...few, '--svg', svg])
    expect(result).toMatchObject({ code: 0, err: '' })
    expect(result.out).toContain('11 preferences, 2 seed sets of 3 episodes')
    for (const who of ['policy', 'greedy', 'all cloud', 'shortest queue', 'static mix']) {
      expect(result.out).toMatch(new RegExp(`^${who} .* \\d\\.\\d{4} … \\d\\.\\d{4}`, 'm'))
    }
    expect(result.out).toMatch(/tight: greedy's corner, in the mean \([\d.]+ s a task, [\d.]+ J a task\)/)
    expect(result.out).not.toContain('roll-out')
    const drawing = await readFile(svg, 'utf8')
    // Of policy, greedy and LinUCB, which follow the preference.
    expect(drawing.match(/<polyline/g)).toHaveLength(3)
    expect(drawing).toContain('>shortest queue')
  }, 120_000)

  it('plays on systems that were not trained for, and gives all as JSON', async () => {
    const args = ['evaluate', folder, ...few, '--system', 'E=3', '--against', 'least work', '--json']
    const { out, code } = await cli(args)
    expect(code).toBe(0)
    const { systems, policy } = JSON.parse(out)
    expect(policy.name).toBe('untrained')
    expect(systems).toHaveLength(1)
    expect(systems[0]).toMatchObject({ system: 'E=3', looseReference: [200, 0.1] })
    const [own, greedy, leastWork] = systems[0].rows
    expect([own.name, greedy.name, leastWork.name]).toEqual(['policy', 'greedy', 'least work'])
    // Untrained, the policy is greedy itself.
    expect(own.loose.ratio).toBeCloseTo(1, 2)
    expect(greedy.tight).toMatchObject({ ratio: 1, low: 1, high: 1 })
    expect(own.front).toHaveLength(11)
    expect(leastWork.front).toHaveLength(1)
    expect((await cli(args)).out).toBe(out)
  }, 120_000)

  it('says what is wrong', async () => {
    expect(await cli(['evaluate', join(folder, 'nowhere')])).toMatchObject({
      code: 1,
      err: expect.stringMatching(/nowhere.manifest\.json: there is none/),
    })
    expect(await cli(['evaluate', folder, '--against', 'magic'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('"magic"'),
    })
    // Of two points each is a corner of greedy's front.
    const corners = [...few, '--points', '2', '--against', 'none']
    expect(await cli(['evaluate', folder, ...corners])).toMatchObject({
      code: 1,
      err: expect.stringMatching(/seed set 1: .* no volume .* more preferences \(points\) or episodes/),
    })
    const wrong = async (...args: string[]) => {
      const result = await cli(['evaluate', ...args])
      expect(result).toMatchObject({ code: 2, err: expect.stringContaining('evaluate --help') })
      return result.err
    }
    expect(await wrong()).toContain("policy's folder")
    expect(await wrong(folder, '--system', 'E=0')).toContain('E=1 to E=255')
    expect(await wrong(folder, '--seeds', '1')).toContain('--seeds 1')
    expect(await wrong(folder, '--points', 'many')).toContain('--points many')
    expect(await wrong(folder, '--trace', 'x')).toContain('--env split')
    expect(await wrong(folder, '--speed')).toContain("'--speed'")
  }, 60_000)
})
