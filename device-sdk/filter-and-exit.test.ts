import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Answer } from './answer.ts'
import { LOCAL_LABEL, modes, SERVER_LABEL, World, type WorldOptions } from './world.test.kit.ts'

const EXIT_LABEL = 'dog'
/** softmax of these halved gives 'dog' 0.97; */
const SURE = [0, 10, 1, 2]
/** and of these 0.39. */
const UNSURE = [0, 2, 1, 1]

const addsUp = ({ stages, wallMs }: Answer) => {
  const sum = Object.values(stages).reduce((a: number, b: number) => a + b, 0)
  return Math.abs(sum - wallMs) <= 0.02 * wallMs
}

/** One frame of a device with a server, unless `server` is false. */
async function answered(options: WorldOptions, change: (world: World) => void = () => {}, server = true) {
  const world = await World.create(options, server)
  change(world)
  const answer = await world.clock.until(world.device.infer(world.frame()))
  expect(addsUp(answer)).toBe(true)
  return { world, answer }
}

describe('a filter', () => {
  test('skips a frame that holds nothing of interest: nothing is sent, and it is counted', async () => {
    const { world, answer } = await answered({ interest: 0.25 })
    expect(answer).toMatchObject({
      route: 'skip',
      mode: 0,
      top: [],
      bytesUp: 0,
      bytesDown: 0,
      interest: 0.25,
    })
    expect(answer.output).toHaveLength(0)
    expect(answer.reason).toBe('the filter gives 0.250, less than 0.500')
    expect(answer.stages.filterMs).toBeCloseTo(1)
    expect(answer.wallMs).toBeCloseTo(1)
    expect(world.requests).toHaveLength(0)
    expect([world.headRuns, world.localRuns]).toEqual([0, 0])
    expect(world.device.stats).toMatchObject({ frames: 1, answered: { skip: 1, split: 0 }, gateFailures: 0 })
  })

  test('lets a frame of interest go its way, and says how likely it was', async () => {
    const { answer } = await answered({ interest: 0.75 })
    expect(answer).toMatchObject({ route: 'split', interest: 0.75, late: false })
    expect(answer.stages.filterMs).toBeCloseTo(1)
    expect(answer.top[0]!.label).toBe(SERVER_LABEL)
  })

  test('passes a frame that just reaches the threshold', async () => {
    expect((await answered({ interest: 0.5 })).answer.route).toBe('split')
  })

  test('works without a server too', async () => {
    expect((await answered({ interest: 0.25 }, undefined, false)).answer.route).toBe('skip')
    const { answer } = await answered({ interest: 0.75 }, undefined, false)
    expect(answer).toMatchObject({ route: 'local', interest: 0.75 })
    expect(answer.wallMs).toBeCloseTo(1 + 10)
  })

  test('has no say when the caller chose the route', async () => {
    const world = await World.create({ interest: 0.25 })
    const answer = await world.clock.until(world.device.infer(world.frame(), { route: 'split' }))
    expect(answer.route).toBe('split')
    expect(answer.interest).toBeUndefined()
  })

  test('on the latent makes the head run once, for itself and for the server', async () => {
    const { world, answer } = await answered({ interest: 0.75, filterReads: 'latent' })
    expect(answer.route).toBe('split')
    expect(world.headRuns).toBe(1)
    expect((await answered({ interest: 0.25, filterReads: 'latent' })).answer.route).toBe('skip')
  })

  test.each([Number.NaN, -0.1, 1.1])(
    'that gives %s lets every frame through, which is counted',
    async (interest) => {
      const { world, answer } = await answered({ interest })
      expect(answer.route).toBe('split')
      expect(answer.interest).toBeUndefined()
      await world.clock.until(world.device.infer(world.frame()))
      expect(world.device.stats).toMatchObject({ gateFailures: 2, answered: { split: 2 } })
    },
  )

  test('that hangs does not cost the deadline', async () => {
    const { answer } = await answered({ interest: 0.25, deadlineMs: 100 }, (world) => {
      world.options.gateMs = 500
    })
    expect(answer).toMatchObject({ route: 'local', late: false })
    expect(answer.top[0]!.label).toBe(LOCAL_LABEL)
  })

  test('does not hide a bad frame', async () => {
    const world = await World.create({ interest: 0.25 })
    const noImage = { data: Uint8Array.of(1, 2, 3), encoded: true } as const
    await expect(world.device.infer(noImage)).rejects.toMatchObject({ code: 'BAD_FRAME' })
  })

  test('counts in what the policy is told of every mode', async () => {
    const told: number[][] = []
    const decide: World['options']['policy']['decide'] = ({ modes: estimates }) => {
      told.push(estimates.map(({ deviceMs }) => deviceMs))
      return { route: 'local', mode: modes.local, expectedMs: 0, reason: '' }
    }
    await answered({ interest: 0.75, gateMs: 7, policy: { decide } })
    await answered({ policy: { decide } })
    told[0]!.forEach((ms, i) => {
      expect(ms - told[1]![i]!).toBeCloseTo(7)
    })
  })
})

describe('an early exit', () => {
  test('that is sure answers at once, and nothing is sent', async () => {
    const { world, answer } = await answered({ exitOutput: SURE })
    expect(answer).toMatchObject({ route: 'local', exit: true, mode: modes.split, bytesUp: 0, bytesDown: 0 })
    expect(answer.fallback).toBeUndefined()
    expect(answer.wallMs).toBeCloseTo(2 + 1)
    expect(answer.stages.headMs).toBeCloseTo(2)
    expect(answer.stages.exitMs).toBeCloseTo(1)
    expect(world.requests).toHaveLength(0)
    expect(world.localRuns).toBe(0)
    expect(world.device.stats).toMatchObject({ exits: 1, answered: { local: 1 } })
  })

  test('gives calibrated probabilities', async () => {
    const { answer } = await answered({ exitOutput: SURE })
    const odds = SURE.map((logit) => Math.exp(logit / 2))
    expect(answer.top[0]!.label).toBe(EXIT_LABEL)
    expect(answer.top[0]!.probability).toBeCloseTo(odds[1]! / odds.reduce((a, b) => a + b))
    expect(Array.from(answer.output)).toEqual(SURE.map((logit) => logit / 2))
  })

  test('that is not sure leaves the frame to the server', async () => {
    const { world, answer } = await answered({ exitOutput: UNSURE })
    expect(answer).toMatchObject({ route: 'split', late: false })
    expect(answer.exit).toBeUndefined()
    expect(answer.stages.exitMs).toBeCloseTo(1)
    expect(answer.top[0]!.label).toBe(SERVER_LABEL)
    expect([world.headRuns, world.device.stats.exits]).toEqual([1, 0])
  })

  test('does not answer in place of the server when the caller wants the server', async () => {
    for (const exitBacksUp of [false, true]) {
      const world = await World.create({ exitOutput: SURE, exitBacksUp })
      const answer = await world.clock.until(world.device.infer(world.frame(), { route: 'split' }))
      expect(answer.route).toBe('split')
    }
  })

  test('does not judge the latents of a head that its thresholds were not chosen on', async () => {
    const options = { exitOutput: SURE, exitBacksUp: true, exitHeads: ['narrowHead'] } as const
    const { answer } = await answered(options)
    expect(answer.route).toBe('split')
    expect(answer.stages.exitMs).toBe(0)
  })

  test('does not answer frames of other routes', async () => {
    const world = await World.create({ exitOutput: SURE, exitBacksUp: true })
    const answer = await world.clock.until(world.device.infer(world.frame(), { route: 'edge' }))
    expect(answer.route).toBe('edge')
    expect(world.headRuns).toBe(0)
  })

  test('steps in for a server that is silent when it is the better one, and the local network stays idle', async () => {
    const silent = (world: World) => {
      world.loseReplies = true
    }
    const { world, answer } = await answered(
      { exitOutput: UNSURE, exitBacksUp: true, deadlineMs: 100 },
      silent,
    )
    expect(answer).toMatchObject({ route: 'local', exit: true, fallback: 'NO_REPLY', late: false })
    expect(answer.top[0]!.label).toBe(EXIT_LABEL)
    expect(answer.wallMs).toBeGreaterThan(90)
    expect(answer.bytesUp).toBeGreaterThan(0)
    expect(world.localRuns).toBe(0)
  })

  test('leaves that to the local network when that is the better one', async () => {
    const { world, answer } = await answered({ exitOutput: UNSURE, deadlineMs: 100 }, (silent) => {
      silent.loseReplies = true
    })
    expect(answer).toMatchObject({ route: 'local', fallback: 'NO_REPLY', late: false })
    expect(answer.exit).toBeUndefined()
    expect(answer.top[0]!.label).toBe(LOCAL_LABEL)
    expect(world.localRuns).toBe(1)
  })

  test.each([
    ['is silent', 'NO_REPLY', (world: World) => Object.assign(world, { loseReplies: true })],
    ['cannot be reached', 'OFFLINE', (world: World) => world.disconnect()],
    ['has gone', 'SERVER_OFFLINE', (world: World) => world.announce('offline')],
  ])('makes up for a missing local network when the server %s', async (_, fallback, change) => {
    const { answer } = await answered(
      { exitOutput: UNSURE, exitBacksUp: true, hasLocal: false, deadlineMs: 100 },
      change,
    )
    expect(answer).toMatchObject({ route: 'local', exit: true, fallback, late: false })
  })

  test.each([{ exitOutput: [Number.NaN, 0, 0, 0] }, { exitOutput: [1, 2, 3] }])(
    'that gives $exitOutput is passed by, which is counted',
    async ({ exitOutput }) => {
      const { world, answer } = await answered({ exitOutput, exitBacksUp: true, deadlineMs: 100 })
      expect(answer.route).toBe('split')
      world.loseReplies = true
      for (let more = 0; more < 2; more++) {
        const local = await world.clock.until(world.device.infer(world.frame()))
        expect(local).toMatchObject({ route: 'local', fallback: 'NO_REPLY', late: false })
        expect(local.exit).toBeUndefined()
      }
      expect(world.device.stats.gateFailures).toBe(3)
    },
  )

  test('that hangs does not cost the deadline', async () => {
    const { answer } = await answered({ exitOutput: SURE, exitBacksUp: true, deadlineMs: 100 }, (world) => {
      world.options.gateMs = 500
    })
    expect(answer).toMatchObject({ route: 'local', late: false })
    expect(answer.exit).toBeUndefined()
  })
})

test('with filter and exit, whatever happens: one answer per frame, none after its deadline, nothing sent in vain', async () => {
  const event = fc.record({
    kind: fc.constantFrom('frame', 'frame', 'frame', 'cut', 'join', 'lose', 'find', 'die', 'rise', 'slow'),
    waitMs: fc.integer({ min: 0, max: 120 }),
    route: fc.constantFrom(undefined, undefined, 'split', 'edge', 'local'),
  })
  const gates = fc.record(
    {
      interest: fc.constantFrom(0.25, 0.75, Number.NaN),
      filterReads: fc.constantFrom('input', 'latent'),
      exitOutput: fc.constantFrom(SURE, UNSURE, [Number.NaN, 0, 0, 0]),
      exitBacksUp: fc.boolean(),
      gateMs: fc.constantFrom(0, 1, 30),
    },
    { requiredKeys: ['gateMs'] },
  ) as fc.Arbitrary<WorldOptions>
  await fc.assert(
    fc.asyncProperty(fc.array(event, { minLength: 5, maxLength: 30 }), gates, async (events, options) => {
      const world = await World.create({ deadlineMs: 200, localMs: 8, credits: 4, ...options })
      const promises: Promise<Answer>[] = []
      const published: Answer[] = []
      world.device.answers$.subscribe((answer) => published.push(answer))
      for (const { kind, waitMs, route } of events) {
        if (kind === 'frame') {
          const asked = route === undefined ? {} : { route: route as 'split' | 'edge' | 'local' }
          promises.push(world.device.infer(world.frame(), asked))
        } else if (kind === 'cut') world.disconnect()
        else if (kind === 'join') world.connect()
        else if (kind === 'lose') world.loseReplies = true
        else if (kind === 'find') world.loseReplies = false
        else if (kind === 'die') world.announce('offline')
        else if (kind === 'slow') world.options.rateBps = 20_000
        else world.announce()
        await world.clock.advance(waitMs)
      }
      const answers = await world.clock.until(Promise.all(promises))
      await world.clock.advance(2000)
      expect(published).toHaveLength(answers.length)
      for (const answer of answers) {
        expect(answer.wallMs).toBeLessThanOrEqual(200)
        expect(addsUp(answer)).toBe(true)
        if (answer.route === 'skip' || (answer.exit && !answer.fallback)) expect(answer.bytesUp).toBe(0)
        if (answer.route === 'skip') expect(options.interest).toBe(0.25)
        if (answer.exit) expect(answer.top[0]!.label).toBe(EXIT_LABEL)
      }
    }),
    { numRuns: 60 },
  )
})
