import { spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { hasCifar10 } from '@isthmus/models/data'
import sharp from 'sharp'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { EdgeDaemon } from './edge-daemon.ts'
import { writeTinyBundle } from './tiny-bundle.ts'

const withPhotographs = it.skipIf(!(await hasCifar10()))
let bundle: string
let photos: string
let edge: EdgeDaemon
let broker: string

beforeAll(async () => {
  bundle = (await writeTinyBundle()).dir
  photos = join(bundle, '..', 'photos')
  mkdirSync(photos)
  const background = { r: 200, g: 90, b: 30 }
  const photo = sharp({ create: { width: 64, height: 48, channels: 3, background } })
  await photo.png().toFile(join(photos, 'orange.png'))
  edge = await EdgeDaemon.start(bundle, ['--mqtt-port', '0'])
  broker = `mqtt://127.0.0.1:${edge.mqttPort}`
})
afterAll(() => edge?.kill())

/** Runs a program of examples/ to its end. */
function run(
  program: string,
  ...args: string[]
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const path = fileURLToPath(new URL(`../../../examples/dist/${program}.js`, import.meta.url))
  const child = spawn(process.execPath, [path, ...args])
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, stdout, stderr })))
}

it('classify answers alone', async () => {
  const { code, stdout } = await run('classify', '--bundle', bundle, join(photos, 'orange.png'))
  expect(code).toBe(0)
  expect(stdout).toMatch(/orange\.png: (cat|dog|ship|frog) 0\.\d\d, /)
  expect(stdout).toMatch(/route local/)
})

it('classify and camera find the server', async () => {
  const before = await edge.metric('replies_total')
  const classified = await run('classify', '--bundle', bundle, '--broker', broker, join(photos, 'orange.png'))
  expect(classified).toMatchObject({ code: 0, stderr: '' })
  const common = ['--bundle', bundle, '--broker', broker]
  const camera = await run('camera', ...common, '--photos', photos, '--fps', '20', '--seconds', '1.5')
  expect(camera).toMatchObject({ code: 0, stderr: '' })
  expect(camera.stdout.match(/^\d+: (cat|dog|ship|frog), \d+ ms, /gm)!.length).toBeGreaterThan(10)
  expect(await edge.metric('replies_total')).toBeGreaterThan(before)
})

it('a pipeline runs on two processes, and gives what the device alone gives', async () => {
  const { code, stdout, stderr } = await run('pipeline/main')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout.match(/equals the device alone: yes/g)).toHaveLength(6)
  expect(stdout).toMatch(/^tail away +normalise: device .* head: device /m)
  expect(stdout).toMatch(/OFFLINE$/m)
})

it('three devices compete for room for two', async () => {
  const { code, stdout, stderr } = await run('market/main', '--rounds', '6')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const rounds = stdout.match(/^\d .*$/gm)!
  expect(rounds).toHaveLength(6)
  const leased = rounds.map((round) => round.match(/leased for/g)?.length ?? 0)
  expect(Math.max(...leased)).toBeGreaterThan(0)
  expect(Math.max(...leased)).toBeLessThanOrEqual(2)
  expect(stdout.match(/^\w+: \d+ bids, \d+ leases, paid /gm)).toHaveLength(3)
}, 60_000)

withPhotographs('two machines are measured, mode by mode', async () => {
  const { code, stdout } = await run('two-machines', '--bundle', bundle, '--broker', broker, '--frames', '5')
  expect(code).toBe(0)
  for (const mode of ['local', 'split-8bit', 'split-half', 'edge-png']) expect(stdout).toContain(mode)
  expect(stdout).toMatch(/^split-8bit .*\(split\)$/m)
})

withPhotographs('a program serves its own device', async () => {
  const { code, stdout } = await run('embedded-edge', '--bundles', bundle)
  expect(code).toBe(0)
  expect(stdout).toMatch(/The server answered ([5-9]|10) frames\./)
})

withPhotographs(
  'a thrifty device skips frames, leaves early, and sends less than a generous one',
  async () => {
    const { code, stdout } = await run('thrifty', '--frames', '40')
    expect(code).toBe(0)
    const row =
      /^(\w+): (\d+) frames skipped, (\d+) answered by the exit, \d+ by the server; (\d+) bytes a frame$/gm
    const [generous, thrifty] = [...stdout.matchAll(row)].map((match) => match.slice(2).map(Number))
    expect(generous!.slice(0, 2)).toEqual([0, 0])
    expect(thrifty![0]).toBeGreaterThan(5)
    expect(thrifty![1]).toBeGreaterThan(5)
    expect(thrifty![2]).toBeLessThan(generous![2]! / 2)
  },
)

withPhotographs('two tasks on one latent: the one that matters more has the wider decoder', async () => {
  const { code, stdout } = await run('two-tasks', '--frames', '60')
  expect(code).toBe(0)
  const row = /^preference .*: class at width (\S+): (\S+) % right; coarse at width (\S+): (\S+) % right$/gm
  const [first, second] = [...stdout.matchAll(row)].map((match) => match.slice(1).map(Number))
  expect(first![0]!).toBeGreaterThan(second![0]!)
  expect(second![2]!).toBeGreaterThan(first![2]!)
  for (const [, classes, , coarse] of [first!, second!]) {
    expect(classes).toBeGreaterThan(50)
    expect(coarse).toBeGreaterThan(75)
  }
})

it('the demo explains itself, and refuses what it does not know in one line', async () => {
  expect(await run('demo/main', '--help')).toMatchObject({ code: 0 })
  const { code, stdout } = await run('demo/main', '--frames', 'many')
  expect(code).toBe(1)
  expect(stdout).toMatch(/^demo: --frames [^\n]+\n$/)
  const weather = await run('demo/main', '--weather', '--frames', '10')
  expect(weather.code).toBe(1)
  expect(weather.stdout).toMatch(/^demo: --weather takes no --frames[^\n]+\n$/)
})

withPhotographs('the weather demo: the device that adapts uploads, the other does not', async () => {
  const { code, stdout } = await run('demo/main', '--weather', '--quick')
  expect(code).toBe(0)
  const row = /^(clear|fog|noise) +(adapted|as-packed) .* % +(\d+) +(\d+) +(\d+) +(\d+)$/gm
  const rows = [...stdout.matchAll(row)]
  expect(rows.map(([, weather, device]) => `${weather} ${device}`)).toEqual(
    ['clear', 'fog', 'noise'].flatMap((weather) => [`${weather} adapted`, `${weather} as-packed`]),
  )
  const [adapted, packed] = rows.slice(-2).map((match) => match.slice(3).map(Number))
  expect(adapted![0]).toBeGreaterThan(0)
  expect(packed).toEqual([0, 0, 0, 0])
})
