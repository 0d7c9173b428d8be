import { spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadCheckpoint, saveCheckpoint } from '@isthmus/models/train'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadAgents } from '../files/index.ts'
import { cli, tinyComDdpg } from './run.test.kit.ts'

let folder: string
const at = (...names: string[]) => join(folder, ...names)
const recipe = async (name: string, changes: object = {}) => {
  await writeFile(at(name), JSON.stringify({ ...tinyComDdpg, ...changes }))
  return at(name)
}
const train = (out: string, ...more: string[]) => ['train', 'com-ddpg', '--out', at(out), ...more]

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'isthmus-train-'))
  await recipe('tiny.json')
})
afterAll(() => rm(folder, { recursive: true }))

/** A checkpoint as an Isthmus would have written it whose agents see less. */
async function resize(file: string): Promise<void> {
  const [, header] = (await readFile(file, 'latin1')).split('\n', 2)
  const checkpoint = (await loadCheckpoint(file, JSON.parse(header!).identity))!
  const state = { ...checkpoint.state, 'encoder.weight': new Float32Array(7) }
  await saveCheckpoint(file, { ...checkpoint, state })
}

describe('isthmus-policies train com-ddpg', () => {
  it('exports agents, the same whether it was interrupted or not', async () => {
    const whole = await cli(train('whole', '--recipe', at('tiny.json')))
    expect(whole).toMatchObject({ code: 0, err: '' })
    expect(whole.out).toMatch(
      /imitation \(1 of 2\), round 2 of 2: loss [\d.]+, latencyS: agents [\d.]+, selfish [\d.]+, central [\d.]+/,
    )
    expect(whole.out).toMatch(/ddpg \(2 of 2\), round 2 of 2/)
    expect(whole.out).toContain(`isthmus-policies evaluate ${at('whole')}`)
    const { manifest, network } = await loadAgents(at('whole'))
    expect(manifest).toMatchObject({ name: 'com-ddpg-dag', training: { recipe: tinyComDdpg } })
    expect(network.shape).toEqual({
      row: 15,
      hidden: 4,
      message: 2,
      heard: 2,
      communication: 'bidirectional',
    })

    const command = train('broken', '--recipe', at('tiny.json'))
    const crash = cli(command, (what) => {
      if (what.startsWith('ddpg (2')) throw new Error('crash')
    })
    await expect(crash).rejects.toThrow('crash')
    expect(await readdir(at('broken'))).toEqual(['checkpoint'])
    const stages: string[] = []
    const resumed = await cli(command, (what) => stages.push(what))
    expect(resumed.out).toContain('stage 1 of 2 has ended')
    expect(new Set(stages)).toEqual(new Set(['ddpg (2 of 2)']))
    const weights = (name: string) => readFile(at(name, 'agents.f32'))
    expect((await weights('broken')).equals(await weights('whole'))).toBe(true)

    const other = await cli(train('whole', '--recipe', at('tiny.json'), '--seed', '4'))
    expect(other).toMatchObject({
      code: 1,
      err: expect.stringMatching(/checkpoint belongs to another run.*--out/),
    })

    await resize(at('broken', 'checkpoint'))
    expect(await cli(command)).toMatchObject({
      code: 1,
      err: expect.stringMatching(/checkpoint: agents: weight encoder\.weight has 7 .*--out/),
    })
  }, 120_000)

  it('takes from the line what a recipe says otherwise, and by default what it leaves out', async () => {
    const { problem, hidden, message, heard, length, burnIn, stages } = tinyComDdpg
    const part = { problem, hidden, message, heard, length, burnIn, stages: stages.slice(0, 1) }
    await writeFile(at('part.json'), JSON.stringify(part))
    const asked = [
      '--users',
      '3',
      '--servers',
      '1',
      '--communication',
      'none',
      '--seed',
      '5',
      '--threads',
      '2',
    ]
    expect(await cli(train('part', '--env', 'dag', '--recipe', at('part.json'), ...asked))).toMatchObject({
      code: 0,
    })
    const { manifest } = await loadAgents(at('part'))
    expect(manifest.shape.communication).toBe('none')
    expect(manifest.training.recipe).toEqual({
      ...part,
      problem: { ...problem, users: 3, servers: 1 },
      seed: 5,
      communication: 'none',
      sequences: 8,
      messageLoss: 0.5,
    })
  }, 60_000)

  it('trains agents that divide tasks, by both kinds of stages, and those that do not where they could', async () => {
    const asked = ['--divisible', '1']
    expect(await cli(train('dividing', '--recipe', at('tiny.json'), ...asked))).toMatchObject({ code: 0 })
    const { manifest, network } = await loadAgents(at('dividing'))
    expect(manifest.rows).toBe('offload-rows/2')
    expect(manifest.training.recipe).toMatchObject({ problem: { divisible: 1 }, ratio: true })
    expect(manifest.shape.ratio).toBe(true)
    expect(network.weights.get('ratio.weight')!.some((weight) => weight !== 0)).toBe(true)
    const whole = await recipe('whole.json', { ratio: false })
    expect(await cli(train('undivided', '--recipe', whole, ...asked))).toMatchObject({ code: 0 })
    expect((await loadAgents(at('undivided'))).manifest.shape).not.toHaveProperty('ratio')
    const { code, out } = await cli(['evaluate', at('dividing'), '--episodes', '2'])
    expect(code).toBe(0)
    for (const who of ['agents, tasks whole', 'all local', 'all on servers', 'selfish, tasks divided'])
      expect(out).toMatch(new RegExp(`^${who} `, 'm'))
  }, 60_000)

  it('stops at Ctrl-C, and says how to go on', async () => {
    const [first, second] = tinyComDdpg.stages
    const endless = await recipe('endless.json', { stages: [first, { ...second, rounds: 100_000 }] })
    const main = fileURLToPath(new URL('./main.js', import.meta.url))
    const child = spawn(process.execPath, [main, ...train('endless', '--recipe', endless)])
    let out = ''
    let err = ''
    let isTold = false
    // The first judgement of the second stage: it is under way.
    child.stdout.on('data', (part) => {
      out += part
      if (isTold || !out.includes('ddpg (2 of 2)')) return
      isTold = true
      child.kill('SIGINT')
    })
    child.stderr.on('data', (part) => {
      err += part
    })
    const code = await new Promise((resolve) => child.on('close', resolve))
    expect(err).toMatch(/isthmus-policies: Stopped\. The same command goes on after stage 1 of 2\.\n$/)
    expect(code).toBe(1)
    expect(await readdir(at('endless'))).toEqual(['checkpoint'])
  }, 120_000)

  it('names what is wrong in a recipe', async () => {
    const refused = async (changes: object) => {
      const result = await cli(train('none', '--recipe', await recipe('bad.json', changes)))
      expect(result.code).toBe(1)
      return result.err
    }
    const [stage, second] = tinyComDdpg.stages
    expect(await refused({ stages: [{ ...stage, rounds: 0 }] })).toMatch(/recipe: stages\.0\.rounds: /)
    expect(await refused({ stages: [{ ...stage, kind: 'magic' }] })).toMatch(/recipe: stages\.0\.kind: /)
    expect(await refused({ stages: [{ ...stage, speed: 1 }] })).toMatch(/recipe: stages\.0: .*"speed"/)
    expect(await refused({ stages: [{ ...second, options: { speed: 1 } }] })).toMatch(
      /recipe: stages\.0\.options\.discount: /,
    )
    expect(await refused({ stages: [{ ...stage, rounds: 2000, episodes: 1000 }] })).toMatch(
      /recipe: stages\.0: must play no more than 1000000 episodes/,
    )
    expect(await refused({ stages: [{ ...stage, ratioLoss: 0 }] })).toMatch(/recipe: stages\.0\.ratioLoss: /)
    expect(await refused({ stages: [{ ...second, ratioNoise: 2 }] })).toMatch(
      /recipe: stages\.0\.ratioNoise: /,
    )
    expect(await refused({ problem: { env: 'dag', divisible: 2 } })).toMatch(/recipe: problem\.divisible: /)
    expect(await refused({ ratio: 'yes' })).toMatch(/recipe: ratio: /)
    expect(await refused({ ratio: true })).toMatch(/ratio is true, but no task/)
    expect(await refused({ stages: [] })).toMatch(/recipe: stages: /)
    expect(await refused({ hidden: 513 })).toMatch(/recipe: hidden: /)
    expect(await refused({ seed: 1000 })).toMatch(/recipe: seed: /)
    expect(await refused({ hiden: 6 })).toMatch(/recipe: the whole: .*"hiden"/)
    expect(await refused({ burnIn: 4 })).toMatch(/recipe: burnIn: must be below length/)
    expect(await refused({ burnIn: 12, length: undefined })).toMatch(/recipe: burnIn: must be below length/)
    expect(await refused({ problem: { env: 'dag', slotz: 8 } })).toMatch(/recipe: problem: .*"slotz"/)
    expect(await refused({ problem: { env: 'dag', load: [0.9, 0.5] } })).toMatch(/recipe: problem\.load: /)
    expect(await refused({ problem: { env: 'dag', load: [0.5, 50] } })).toMatch(/load is 50/)
    await writeFile(at('bad.json'), '{')
    expect((await cli(train('none', '--recipe', at('bad.json')))).err).toMatch(/bad\.json holds no JSON/)
    expect(await readdir(folder)).not.toContain('none')
  })

  it('refuses a folder that cannot be written before it trains', async () => {
    await writeFile(at('file'), '')
    const stages: string[] = []
    const result = await cli(train(join('file', 'in'), '--recipe', at('tiny.json')), (what) =>
      stages.push(what),
    )
    expect(result).toMatchObject({ code: 1, out: '', err: expect.stringContaining(at('file')) })
    expect(stages).toEqual([])
  })

  it('refuses a wrong command line with a pointer', async () => {
    const wrong = async (...args: string[]) => {
      const result = await cli(train('x', ...args))
      expect(result).toMatchObject({ code: 2, err: expect.stringContaining('isthmus-policies train --help') })
      return result.err
    }
    expect(await wrong()).toContain('--env dag, --env herding or --env graph')
    expect(await wrong('--env', 'chess')).toMatch(/--env chess: choose dag or herding or graph/)
    expect(await wrong('--env', 'dag', '--users', '0')).toContain('--users 0')
    expect(await wrong('--env', 'herding', '--users', '3')).toContain('--users is for --env dag')
    expect(await wrong('--env', 'herding', '--servers', '3')).toContain('--servers is for')
    expect(await wrong('--env', 'herding', '--divisible', '1')).toContain('--divisible is for --env dag')
    expect(await wrong('--env', 'dag', '--divisible', '2')).toContain('--divisible 2')
    expect(await wrong('--env', 'dag', '--communication', 'radio')).toContain('--communication radio')
    expect(await wrong('--env', 'graph', '--communication', 'attention')).toContain('nobody to talk to')
    expect(await wrong('--env', 'dag', '--seed', '1000')).toContain('--seed 1000')
    expect(await wrong('--env', 'dag', '--threads', 'many')).toContain('--threads many')
    expect(await wrong('--env', 'dag', '--trace', 'f')).toContain("'--trace'")
    expect(await wrong('--env', 'dag', '--quick', '--recipe', at('tiny.json'))).toContain('Not both')
    expect(await wrong('--env', 'herding', '--recipe', at('tiny.json'))).toContain('for dag')
    expect(await readdir(folder)).not.toContain('x')
    const { code, out } = await cli(['train', 'com-ddpg', '--help'])
    expect(code).toBe(0)
    expect(out).toMatch(/^Usage: isthmus-policies train com-ddpg [\s\S]*--communication[\s\S]*Examples:/)
  })
})
