import { spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadCheckpoint, saveCheckpoint } from '@isthmus/models/train'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadPolicy } from '../files/index.ts'
import { cli, tinyRecipe } from './run.test.kit.ts'

let folder: string
const at = (...names: string[]) => join(folder, ...names)
const recipe = async (name: string, changes: object = {}) => {
  await writeFile(at(name), JSON.stringify({ ...tinyRecipe, ...changes }))
  return at(name)
}
const train = (out: string, ...more: string[]) => ['train', 'gmorl', '--out', at(out), ...more]

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'isthmus-train-'))
  await recipe('tiny.json')
})
afterAll(() => rm(folder, { recursive: true }))

/** A checkpoint as an Isthmus would have written it whose network sees less. */
async function resize(file: string): Promise<void> {
  const [, header] = (await readFile(file, 'latin1')).split('\n', 2)
  const checkpoint = (await loadCheckpoint(file, JSON.parse(header!).identity))!
  const state = { ...checkpoint.state, 'rows.weight': new Float32Array(7) }
  await saveCheckpoint(file, { ...checkpoint, state })
}

describe('isthmus-policies train gmorl', () => {
  it('exports a policy, the same whether it was interrupted or not, and with any number of threads', async () => {
    const whole = await cli(train('whole', '--recipe', at('tiny.json'), '--collectors', '1'))
    expect(whole).toMatchObject({ code: 0, err: '' })
    expect(whole.out).toMatch(/imitation \(2 of 2\), round 2 of 2: loss [\d.]+, hypervolume .*E=2 [\d.]+/)
    const { manifest, network } = await loadPolicy(at('whole'))
    expect(manifest).toMatchObject({
      name: 'gmorl-mec',
      objectives: ['delay', 'energy'],
      training: { recipe: tinyRecipe },
    })
    expect(network.shape.hidden).toBe(6)
    const { low, high } = manifest.seen.context
    expect(low.every((value, feature) => value <= high[feature]!)).toBe(true)
    expect(low.some((value, feature) => value < high[feature]!)).toBe(true)

    const command = train('broken', '--recipe', at('tiny.json'), '--collectors', '2')
    const crash = cli(command, (what) => {
      if (what.startsWith('imitation (2')) throw new Error('crash')
    })
    await expect(crash).rejects.toThrow('crash')
    expect(await readdir(at('broken'))).toEqual(['checkpoint'])
    const stages: string[] = []
    const resumed = await cli(command, (what) => stages.push(what))
    expect(resumed.out).toContain('stage 1 of 2 has ended')
    expect(new Set(stages)).toEqual(new Set(['imitation (2 of 2)']))
    const model = (name: string) => readFile(at(name, 'policy.onnx'))
    expect((await model('broken')).equals(await model('whole'))).toBe(true)

    const other = await cli(train('whole', '--recipe', at('tiny.json'), '--seed', '4'))
    expect(other).toMatchObject({
      code: 1,
      err: expect.stringMatching(/checkpoint belongs to another run.*--out/),
    })

    await resize(at('broken', 'checkpoint'))
    const resized = await cli(command)
    expect(resized).toMatchObject({
      code: 1,
      err: expect.stringMatching(/checkpoint: weight rows\.weight: 7.*--out/),
    })
  }, 180_000)

  it('stops at Ctrl-C, and says how to go on', async () => {
    const [first, second] = tinyRecipe.stages
    const endless = await recipe('endless.json', { stages: [first, { ...second, rounds: 1_000_000 }] })
    const main = fileURLToPath(new URL('./main.js', import.meta.url))
    const child = spawn(process.execPath, [main, ...train('endless', '--recipe', endless)])
    let err = ''
    let isTold = false
    child.stderr.on('data', (part) => {
      err += part
      if (isTold || !err.includes('imitation (2 of 2)')) return
      isTold = true
      child.kill('SIGINT')
    })
    const code = await new Promise((resolve) => child.on('close', resolve))
    expect(err).toMatch(/isthmus-policies: Stopped\. The same command goes on after stage 1 of 2\.\n$/)
    expect(code).toBe(1)
    expect(await readdir(at('endless'))).toEqual(['checkpoint'])
  }, 180_000)

  it('names what is wrong in a recipe', async () => {
    const refused = async (changes: object) => {
      const result = await cli(train('none', '--recipe', await recipe('bad.json', changes)))
      expect(result.code).toBe(1)
      return result.err
    }
    const [stage] = tinyRecipe.stages
    expect(await refused({ stages: [{ ...stage, rounds: 0 }] })).toMatch(/recipe: stages\.0\.rounds: /)
    expect(await refused({ stages: [{ ...stage, kind: 'magic' }] })).toMatch(/recipe: stages\.0\.kind: /)
    expect(await refused({ stages: [{ ...stage, speed: 1 }] })).toMatch(/recipe: stages\.0: .*"speed"/)
    expect(await refused({ hidden: '6' })).toMatch(/recipe: hidden: /)
    expect(await refused({ problem: { env: 'mec', system: { slotz: 8 } } })).toContain('"slotz"')
    await writeFile(at('bad.json'), '{')
    expect((await cli(train('none', '--recipe', at('bad.json')))).err).toMatch(/bad\.json holds no JSON/)
    expect(await readdir(folder)).not.toContain('none')
  })

  it('refuses a wrong command line with a pointer', async () => {
    const wrong = async (...args: string[]) => {
      const result = await cli(args)
      expect(result).toMatchObject({ code: 2, err: expect.stringContaining('isthmus-policies train --help') })
      return result.err
    }
    expect(await wrong('train')).toContain('train gmorl or train com-ddpg')
    expect(await wrong('train', 'magic')).toMatch(/"magic".*gmorl, com-ddpg/)
    expect(await wrong('train', '--out', at('x'), 'magic')).toContain('"magic"')
    expect(await wrong(...train('x', '--env', 'mec'), 'more')).toContain('"more"')
    expect(await wrong('train', 'gmorl', '--env', 'mec')).toContain('--out DIR')
    expect(await wrong(...train('x'))).toContain('--env mec or --env split')
    expect(await wrong(...train('x', '--env', 'chess'))).toMatch(/--env chess: choose mec or split/)
    expect(await wrong(...train('x', '--env', 'mec', '--speed'))).toContain("'--speed'")
    expect(await wrong(...train('x', '--env', 'mec', '--seed', 'one'))).toContain('--seed one')
    expect(await wrong(...train('x', '--env', 'mec', '--trace', 'f'))).toContain('--env split')
    expect(await wrong(...train('x', '--env', 'split', '--recipe', at('tiny.json')))).toContain('for mec')
    expect(await cli(['train', '--help'])).toMatchObject({
      code: 0,
      out: expect.stringMatching(/ gmorl .*\n +com-ddpg [\s\S]*Examples:/),
    })
    expect(await cli(['train', '--help', '--env', 'mec', 'gmorl'])).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^Usage: isthmus-policies train gmorl [\s\S]*Examples:/),
    })
    expect(await cli(['--help'])).toMatchObject({
      code: 0,
      out: expect.stringContaining('isthmus-policies evaluate'),
    })
  })
})
