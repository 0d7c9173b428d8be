import { decodeMoments, type Moments } from '@isthmus/models/adapt/norms'
import type { Bundle } from '@isthmus/models/bundle'
import { openSession } from '@isthmus/models/runtime'
import { answerEntropy, CollapseGuard } from '@isthmus/policies/upload'
import { beforeAll, describe, expect, it } from 'vitest'
import type { ModelVersion } from '../loaded-model.ts'
import { ModelRunner } from '../model-runner.ts'
import { VirtualClock } from '../world.test.kit.ts'
import { AdaptedModel, type Place } from './adapted-model.ts'
import type { AdaptationEvent } from './events.ts'
import { OwnStatistics, type OwnStatisticsParts } from './own-statistics.ts'
import { PatchReceiver } from './patch-receiver.ts'
import type { PatchStore, StoredPatch } from './patch-store.ts'
import { keys, NOW_S, patchesFor, shifted, writeAdaptableBundle } from './patched-bundle.test.kit.ts'
import { ProbeSet } from './probe-set.ts'

const FRAMES = 16
const VALUES = 48

let bundle: Bundle
beforeAll(async () => {
  bundle = (await writeAdaptableBundle()).bundle
})

class Memory implements PatchStore {
  stored: StoredPatch | undefined
  saves = 0
  load = async () => this.stored
  save = async (stored: StoredPatch) => {
    this.saves++
    this.stored = stored
  }
}

interface Setting {
  guard?: CollapseGuard
  probes?: ProbeSet
  store?: PatchStore
  busyShare?: number
  frames?: number
  /** What opening a model takes, and a run for moments. */
  tookMs?: { open: number; run: number }
  settings?: OwnStatisticsParts['settings']
  /** A network of one class: the probability that it gives for each frame of a run for moments. */
  probability?: number
}

/** Logits of the answers given. */
const unsure = new Float32Array(4)
const sure = Float32Array.of(50, 0, 0, 0)

let turn = 0
/** Frames whose channels have mean 0 and variance 1, as the network was packed for, but for `shift`; each is the other's negative. */
function frames(count: number, shift: number, scale = 1): Float32Array[] {
  return Array.from({ length: count }, () => {
    turn++
    return Float32Array.from({ length: VALUES }, (_, at) => shift + scale * ((at + turn) % 2 === 0 ? 1 : -1))
  })
}
const probe = Float32Array.from({ length: VALUES }, (_, at) => 5 + Math.sin(at))

async function device(setting: Setting = {}) {
  const { probability } = setting
  const { network, family, patch } = patchesFor(bundle)
  const clock = new VirtualClock()
  const events: AdaptationEvent[] = []
  const asked: string[] = []
  const reported: { moments: Moments; takenWith: ModelVersion }[] = []
  const runs: { place: Place; answering: Place }[] = []
  const runner = new ModelRunner(() => openSession(bundle.modelBytes('local')), 'local', [1, 3, 4, 4], 'y')
  await runner.open()
  const tell = (event: AdaptationEvent) => events.push(event)
  let busyMs = 0
  const spend = async (ms = 0) => {
    busyMs += ms
    if (ms > 0) await clock.advance(ms)
  }
  const model = new AdaptedModel({
    role: 'local',
    network,
    runner,
    openModel: async (file) => {
      await spend(setting.tookMs?.open)
      return openSession(file)
    },
    store: setting.store,
    guard: setting.guard,
    probes: setting.probes,
    tell,
  })
  const statistics = new OwnStatistics({
    model,
    openMoments: async (file, place) => {
      const session = await openSession(file)
      return {
        inputs: session.inputs,
        outputs: session.outputs,
        run: async (feeds) => {
          await spend(setting.tookMs?.run)
          runs.push({ place, answering: model.otherPlace === 0 ? 1 : 0 })
          const values = await session.run(feeds)
          if (probability === undefined) return values
          const rows = feeds.x!.dims[0]!
          const data = new Float32Array(rows).fill(probability)
          return { ...values, y: { dtype: 'float32', dims: [rows, 1], data } }
        },
        dispose: () => session.dispose(),
      }
    },
    dims: [1, 3, 4, 4],
    entropyOf: (output) =>
      answerEntropy(output, probability === undefined ? 'logits' : 'probabilities').entropy,
    frames: setting.frames ?? FRAMES,
    busyShare: setting.busyShare ?? 0.1,
    ...(setting.settings ? { settings: setting.settings } : {}),
    clock,
    report: (bytes, takenWith) =>
      reported.push({ moments: decodeMoments(bytes, network.base, network.layout), takenWith }),
    tell,
  })
  const receiver = new PatchReceiver({
    role: 'local',
    family,
    model,
    publicKey: keys.publicKey,
    clock,
    wallS: () => NOW_S,
    ask: () => (reason) => {
      asked.push(reason)
      return true
    },
    tell,
  })
  await model.restore()
  statistics.restore()
  const show = async (inputs: readonly Float32Array[], answer = unsure) => {
    for (const input of inputs) statistics.answered(input, answer)
    await statistics.idle()
  }
  const take = async (bytes: Uint8Array) => {
    receiver.take(bytes)
    await receiver.idle()
  }
  const watch = (answers: number, entropy: number, label: (at: number) => number) => {
    for (let at = 0; at < answers; at++) model.answered(runner.version, () => ({ entropy, label: label(at) }))
  }
  const output = async () => [...(await runner.answer(probe)).output]
  return {
    network,
    patch,
    clock,
    events,
    asked,
    reported,
    runs,
    runner,
    model,
    statistics,
    receiver,
    show,
    take,
    watch,
    output,
    get busyMs() {
      return busyMs
    },
  }
}

/** What the network gives with scales and shifts of a version, and with other statistics. */
async function expected(version: number, statistics?: { mean: number; variance: number }): Promise<number[]> {
  const { network } = patchesFor(bundle)
  const patched = version === 0 ? network.base : shifted(network.base, version)
  const own = statistics && {
    mean: patched.mean.map(() => statistics.mean),
    variance: patched.variance.map(() => statistics.variance),
  }
  const session = await openSession(network.file({ ...patched, ...own }))
  const { y } = await session.run({ x: { dtype: 'float32', dims: [1, 3, 4, 4], data: probe } })
  await session.dispose()
  return [...(y!.data as Float32Array)]
}

const near = (actual: readonly number[], wanted: readonly number[]) =>
  actual.forEach((value, at) => {
    expect(value).toBeCloseTo(wanted[at]!, 4)
  })

const foggy = { mean: 5, variance: 4 }
const fog = (count = FRAMES) => frames(count, 5, 2)

describe('statistics of its own', () => {
  it('a device takes from its frames without a server or a key, and its network answers by them', async () => {
    const { show, output, statistics, events, runner } = await device()
    await show(fog(FRAMES - 1))
    near(await output(), await expected(0))
    await show(fog(1))
    near(await output(), await expected(0, foggy))
    expect(statistics.stats).toMatchObject({
      inUse: 'own',
      frames: FRAMES,
      batches: 1,
      shifts: 1,
      adopted: 1,
    })
    expect(events).toEqual([{ kind: 'statistics', role: 'local', what: 'shift' }])
    expect(runner.version).toEqual({ epoch: 0, version: 0 })
  })

  it('begin in the middle of a round when the frames so far show the shift', async () => {
    const { show, output, statistics } = await device({ frames: 4 * FRAMES })
    await show(frames(FRAMES, 0))
    expect(statistics.stats).toMatchObject({ inUse: 'packed', frames: FRAMES, batches: 0 })
    await show(fog(FRAMES))
    near(await output(), await expected(0, { mean: 2.5, variance: 2.5 + 2.5 ** 2 }))
    expect(statistics.stats).toMatchObject({ inUse: 'own', frames: 2 * FRAMES, batches: 1, shifts: 1 })
  })

  it('leave the network as packed where the world is as it was in training, and give way to it when it is again', async () => {
    const { show, output, statistics, take, patch, runner } = await device()
    await take(patch({ version: 2 }).bytes)
    near(await output(), await expected(2))
    await show(frames(FRAMES, 0))
    near(await output(), await expected(0))
    expect(runner.version.version).toBe(0)
    await show(fog())
    near(await output(), await expected(2, foggy))
    expect(runner.version.version).toBe(2)
    await show(frames(FRAMES, 0))
    near(await output(), await expected(0))
    expect(statistics.stats).toMatchObject({ inUse: 'packed', shifts: 1, returns: 1 })
  })

  it('stay when a patch comes: that brings scales and shifts', async () => {
    const { show, output, take, patch, receiver, runner } = await device()
    await show(fog())
    await take(patch({ version: 3 }).bytes)
    near(await output(), await expected(3, foggy))
    expect(receiver.stats).toMatchObject({ version: { version: 3 }, adopted: 1 })
    expect(runner.version).toEqual({ epoch: 1, version: 3 })
  })

  it('are not taken from frames of few classes, by whose statistics the answers are far less sure than they were', async () => {
    const { show, output, statistics, events } = await device()
    await show(fog(4 * FRAMES), sure)
    near(await output(), await expected(0))
    expect(statistics.stats).toMatchObject({ inUse: 'packed', frames: FRAMES, leftOut: FRAMES, batches: 0 })
    await show(fog(FRAMES), sure)
    expect(statistics.stats).toMatchObject({ frames: 2 * FRAMES, leftOut: 2 * FRAMES })
    await show(fog(FRAMES))
    near(await output(), await expected(0, foggy))
    expect(statistics.stats).toMatchObject({ inUse: 'own', leftOut: 2 * FRAMES, batches: 1, shifts: 1 })
    expect(events).toHaveLength(1)
    // How unsure earlier answers were says nothing of these.
    await show(fog(FRAMES), sure)
    expect(statistics.stats).toMatchObject({ leftOut: 3 * FRAMES, batches: 1 })
  })

  it('are taken for a network of one class however unsure it is', async () => {
    const { show, output, statistics } = await device({ probability: 0.5 })
    await show(fog(FRAMES), Float32Array.of(1))
    near(await output(), await expected(0, foggy))
    expect(statistics.stats).toMatchObject({ inUse: 'own', leftOut: 0, batches: 1 })
  })

  it('are not taken from one scene over and over', async () => {
    const { show, statistics, output } = await device()
    const [still] = fog(1)
    await show(Array.from({ length: 10 * FRAMES }, () => still!))
    near(await output(), await expected(0))
    expect(statistics.stats).toMatchObject({ batches: 0, inUse: 'packed' })
  })

  it('are computed in the thread that answers no frames', async () => {
    const { show, runs } = await device()
    for (let round = 1; round < 6; round++) await show(frames(FRAMES, 4 * round))
    expect(new Set(runs.map(({ place }) => place))).toEqual(new Set([0, 1]))
    for (const { place, answering } of runs) expect(place).not.toBe(answering)
  })

  it('take their share of the time, sessions that are opened at the end of a round included', async () => {
    // Fog that moves a little with each round, and is no shift within one.
    const settings = { shift: 1e6 }
    const kit = await device({ frames: 4 * FRAMES, tookMs: { open: 1000, run: 10 }, settings })
    const startMs = kit.clock.now()
    while (kit.statistics.stats.adopted < 6) {
      await kit.clock.advance(20)
      await kit.show(frames(1, 5 + kit.statistics.stats.frames / FRAMES / 50, 2))
    }
    expect(kit.busyMs / (kit.clock.now() - startMs)).toBeLessThan(0.11)
  })

  it('are kept for the next start, but not written at every move', async () => {
    const store = new Memory()
    const before = await device({ store })
    await before.show(fog())
    before.statistics.tick()
    expect(store.saves).toBe(0)
    await before.clock.advance(61_000)
    before.statistics.tick()
    await before.model.idle()
    expect(store.saves).toBe(1)
    const after = await device({ store })
    near(await after.output(), await expected(0, foggy))
    expect(after.statistics.stats.inUse).toBe('own')
    await after.show(frames(FRAMES, 0))
    near(await after.output(), await expected(0))
  })

  it('that make the answers collapse are taken back, no patch is blamed for it, and none are taken for a while', async () => {
    const kit = await device({ guard: new CollapseGuard({ classes: 4, window: 20 }) })
    await kit.take(kit.patch({ version: 1 }).bytes)
    kit.watch(40, 0.6, (at) => at % 4)
    expect(kit.receiver.stats.lastGood.version).toBe(1)
    await kit.show(fog())
    near(await kit.output(), await expected(1, foggy))
    kit.watch(20, 0.6, () => 2)
    near(await kit.output(), await expected(1))
    expect(kit.asked).toEqual([])
    expect(kit.receiver.stats).toMatchObject({ rolledBack: 0, version: { version: 1 } })
    expect(kit.statistics.stats).toMatchObject({ rolledBack: 1, inUse: 'patch' })
    expect(kit.events.at(-1)).toMatchObject({ kind: 'statistics', what: 'refused' })
    await kit.show(fog())
    near(await kit.output(), await expected(1))
    await kit.clock.advance(61_000)
    await kit.show(fog())
    near(await kit.output(), await expected(1, foggy))
  })

  it('and a patch on one trial: both are taken back, and the patch gets a trial of its own', async () => {
    const kit = await device({ guard: new CollapseGuard({ classes: 4, window: 20 }) })
    kit.watch(40, 0.6, (at) => at % 4)
    await kit.show(fog())
    await kit.take(kit.patch({ version: 1 }).bytes)
    kit.watch(20, 0.6, () => 2)
    near(await kit.output(), await expected(0))
    expect(kit.asked).toEqual(['gap'])
    await kit.take(kit.patch({ version: 1 }).bytes)
    near(await kit.output(), await expected(1))
    kit.watch(20, 0.6, () => 2)
    near(await kit.output(), await expected(0))
    // Now nothing else can be blamed; it is said as soon as the pause between two requests is over.
    await kit.clock.advance(11_000)
    kit.receiver.tick(true)
    expect(kit.asked).toEqual(['gap', 'rolledBack'])
    await kit.take(kit.patch({ version: 1 }).bytes)
    expect(kit.receiver.stats.refused).toEqual({ PATCH_REPLAYED: 1 })
  })

  it('that do worse on the probes are not taken', async () => {
    const top = (values: readonly number[]) => values.indexOf(Math.max(...values))
    const label = top(await expected(0))
    const shifts = await Promise.all(
      [-40, -20, 20, 40].map(async (mean) => ({ mean, top: top(await expected(0, { mean, variance: 1 })) })),
    )
    const bad = shifts.find((shift) => shift.top !== label)!
    const kit = await device({ probes: new ProbeSet([{ input: probe, label }], 0.1) })
    await kit.show(frames(FRAMES, bad.mean))
    near(await kit.output(), await expected(0))
    expect(kit.statistics.stats).toMatchObject({ inUse: 'packed', adopted: 0 })
    expect(kit.events).toMatchObject([{ kind: 'statistics', what: 'refused' }])
  })

  it('of frames that give no numbers change nothing', async () => {
    const kit = await device()
    await kit.show(Array.from({ length: FRAMES }, () => new Float32Array(VALUES).fill(Number.NaN)))
    near(await kit.output(), await expected(0))
    expect(kit.events).toMatchObject([{ kind: 'statistics', what: 'refused' }])
  })

  it('are told when they begin anew, and when they have moved, once a minute', async () => {
    const { show, take, patch, clock, reported } = await device()
    await show(frames(FRAMES, 0))
    expect(reported).toHaveLength(1)
    expect(reported[0]!.moments.mean[0]).toBeCloseTo(0, 5)
    await take(patch({ version: 2 }).bytes)
    await show(fog())
    expect(reported[1]).toMatchObject({ takenWith: { epoch: 1, version: 2 } })
    near([...reported[1]!.moments.mean], [5, 5, 5])
    near([...reported[1]!.moments.variance.map((value) => value / 100)], [0.04, 0.04, 0.04])
    for (let turn = 0; turn < 5; turn++) await show(fog())
    expect(reported).toHaveLength(2)
    await clock.advance(61_000)
    await show(fog())
    expect(reported).toHaveLength(3)
  })
})
