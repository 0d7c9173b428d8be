import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type ComDdpgRecipe,
  type Communication,
  defaultComDdpg,
  initialActor,
  type RoundProblemSpec,
  sightOf,
} from '../com-ddpg/index.ts'
import { RandomStream } from '../env/index.ts'
import { saveAgents } from '../files/index.ts'
import { type FigureReport, figureReports, formatFigure } from './agents-report.ts'
import { cli } from './run.test.kit.ts'

let folder: string
const at = (name: string) => join(folder, name)

async function save(name: string, problem: RoundProblemSpec, communication: Communication): Promise<void> {
  const shape = { row: sightOf(problem).row, hidden: 4, message: 2, heard: 2, communication }
  const recipe: ComDdpgRecipe = defaultComDdpg(problem, 1)
  const weights = initialActor(shape, new RandomStream(1))
  await saveAgents(at(name), { name, network: { shape, weights }, recipe, minutes: 0, machine: 'none' })
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'isthmus-evaluate-'))
  const small = { env: 'dag', users: 2, servers: 2, horizonS: 1 } as const
  await save('talking', small, 'bidirectional')
  await save('silent', small, 'none')
  await save('herding', { env: 'herding' }, 'none')
  await save('graph', { env: 'graph', tasks: 8 }, 'none')
})
afterAll(() => rm(folder, { recursive: true }))

interface Report {
  readonly problem: RoundProblemSpec
  readonly figures: readonly FigureReport[]
}
const json = async (...args: string[]): Promise<Report> => {
  const { code, out, err } = await cli(['evaluate', ...args, '--json'])
  expect({ code, err }).toEqual({ code: 0, err: '' })
  return JSON.parse(out)
}

describe('isthmus-policies evaluate, of agents', () => {
  it('plays them, with messages lost, beside rules, and shows each figure with intervals', async () => {
    const { code, out, err } = await cli(['evaluate', at('talking'), '--episodes', '4'])
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toContain('talking: dag, 2 users and 2 servers, 4 episodes, first seed 4000000000')
    for (const figure of ['latencyS', 'energyJ', 'imbalance', 'cost']) {
      expect(out).toMatch(new RegExp(`^${figure} +mean +95 % +÷ selfish +95 %$`, 'm'))
    }
    for (const who of [
      'agents',
      'agents, 30 % of messages lost',
      'agents, no message arrives',
      'random',
      'selfish',
      'central, full information',
    ]) {
      const row = `^${who} +[\\d.e-]+ +[\\d.e-]+ … [\\d.e-]+ +\\d+\\.\\d{4} +\\d+\\.\\d{4} … \\d+\\.\\d{4}$`
      expect(out.match(new RegExp(row, 'gm'))).toHaveLength(4)
    }
  })

  it('plays any number of them on any number of servers, all on the same episodes', async () => {
    const args = [
      at('talking'),
      '--episodes',
      '3',
      '--users',
      '5',
      '--servers',
      '3',
      '--message-loss',
      '0.25',
    ]
    const report = await json(...args)
    expect(report).toMatchObject({
      agents: { name: 'talking', sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
      problem: { env: 'dag', users: 5, servers: 3, horizonS: 1 },
      episodes: 3,
      messageLoss: 0.25,
    })
    const [latency] = report.figures
    const row = (name: string) => latency!.rows.find((one) => one.name === name)!
    // Untrained agents look for their own best, whatever they hear.
    const selfish = row('selfish')
    expect(row('agents').episodes).toEqual(selfish.episodes)
    expect(row('agents, 25 % of messages lost').episodes).toEqual(selfish.episodes)
    expect(row('random').episodes).not.toEqual(selfish.episodes)
    expect(row('random').ratio!.low).toBeGreaterThan(1)
    expect(selfish.ratio).toEqual({ mean: 1, low: 1, high: 1 })
    expect(selfish.mean).toBeCloseTo(selfish.episodes.reduce((sum, one) => sum + one, 0) / 3, 12)
    expect(selfish.low).toBeLessThan(selfish.high)
    expect(await json(...args)).toEqual(report)
    const later = await json(...args, '--first-seed', '4000000001')
    expect(later.figures[0]!.rows[0]!.episodes.slice(0, 2)).toEqual(row('agents').episodes.slice(1))
  })

  it('leaves out lost messages where nobody talks', async () => {
    const silent = await json(at('silent'), '--episodes', '2')
    expect(silent.figures[0]!.rows.map(({ name }) => name)).toEqual([
      'agents',
      'random',
      'selfish',
      'central, full information',
    ])
    const herding = await json(at('herding'), '--episodes', '2')
    expect(herding.figures.map(({ figure }) => figure)).toEqual(['dropRatio', 'delaySlots'])
  }, 60_000)

  it('plans graphs beside HEFT', async () => {
    const graph = await json(at('graph'), '--episodes', '3', '--servers', '2')
    expect(graph.problem).toEqual({ env: 'graph', tasks: 8, servers: 2 })
    const [{ figure, yardstick, rows }] = graph.figures as [FigureReport]
    expect({ figure, yardstick }).toEqual({ figure: 'cost', yardstick: 'HEFT' })
    expect(rows.map(({ name }) => name)).toEqual(['agent', 'HEFT', 'pilot HEFT'])
    const [agent, heft] = rows as [(typeof rows)[0], (typeof rows)[0]]
    for (const [episode, cost] of agent.episodes.entries()) {
      expect(cost).toBeLessThanOrEqual(heft.episodes[episode]! + 1e-12)
    }
  })

  it('says what is wrong', async () => {
    const wrong = async (...args: string[]) => {
      const result = await cli(['evaluate', ...args])
      expect(result).toMatchObject({ code: 2, err: expect.stringContaining('evaluate --help') })
      return result.err
    }
    expect(await wrong(at('talking'), at('silent'))).toContain("One agents' folder")
    expect(await wrong(at('talking'), '--episodes', '1')).toContain('--episodes 1')
    expect(await wrong(at('talking'), '--users', 'all')).toContain('--users all')
    expect(await wrong(at('herding'), '--users', '3')).toContain('--users is for --env dag')
    expect(await wrong(at('talking'), '--message-loss', '1.5')).toContain('--message-loss 1.5')
    // An option of policies that follow a preference.
    expect(await wrong(at('talking'), '--svg', 'x.svg')).toContain("'--svg'")
    await writeFile(join(at('silent'), 'agents.f32'), 'x')
    expect(await cli(['evaluate', at('silent')])).toMatchObject({
      code: 1,
      err: expect.stringMatching(/agents\.f32 has 1 bytes/),
    })
  })
})

it('says nothing of a ratio to what is 0', () => {
  const drops = (name: string, ...ratios: number[]) => ({
    name,
    episodes: ratios.map((dropRatio) => ({ dropRatio })),
  })
  const [report] = figureReports([drops('agents', 0.25, 0.5), drops('selfish', 0, 0)], 'selfish')
  expect(report!.rows.map(({ mean, ratio }) => [mean, ratio])).toEqual([
    [0.375, undefined],
    [0, undefined],
  ])
  expect(formatFigure(report!)).toMatch(/^agents +0\.375 +0\.25 … 0\.5 +– +–$/m)
})
