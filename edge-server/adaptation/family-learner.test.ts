import sharp from 'sharp'
import { afterEach, describe, expect, it } from 'vitest'
import type { Upload } from './fair-queue.ts'
import { FamilyLearner, type LearnerOptions, type LearnerState } from './family-learner.ts'
import { lenient, someImages, tinyNetwork } from './tiny-networks.test.support.ts'

const options: LearnerOptions = {
  student: tinyNetwork(1),
  foundation: tinyNetwork(2, 6, 8),
  mean: [0.5, 0.5, 0.5],
  std: [0.25, 0.25, 0.25],
  settings: { batch: 4, replayPerNew: 3, replayFrom: 8, replayLimit: 16 },
  replaySteps: false,
  ...lenient,
}
const images = someImages(64, 3)
const uploads = (from: number, to: number, device = 'cam'): Upload[] =>
  images.slice(from, to).map((pixels) => ({ device, pixels }))

const opened: FamilyLearner[] = []
afterEach(async () => {
  for (const learner of opened.splice(0)) await learner.dispose()
})
async function open(changes: Partial<LearnerOptions> = {}, state?: LearnerState) {
  const learner = await FamilyLearner.open({ ...options, ...changes }, state)
  opened.push(learner)
  return learner
}

describe('a learner', () => {
  it('learns from uploads as far as they fill batches', async () => {
    const learner = await open()
    expect(await learner.learn(uploads(0, 6), 0)).toMatchObject({ steps: 1, stored: 4 })
    expect(await learner.learn(uploads(6, 8), 0)).toMatchObject({ steps: 1, stored: 8 })
    const { parameters } = await learner.candidate()
    expect(parameters).not.toEqual(learner.network.source)
  })

  it('learns from coded pictures what it learns from their pixels, and says which it could not read', async () => {
    const [raw, coded] = [await open(), await open()]
    const pngs = await Promise.all(
      images.slice(0, 4).map((planes) => {
        const pixels = Uint8Array.from(planes, (_, at) => planes[(at % 3) * 1024 + Math.floor(at / 3)]!)
        return sharp(pixels, { raw: { width: 32, height: 32, channels: 3 } })
          .png()
          .toBuffer()
      }),
    )
    const all = [pngs[0]!, Uint8Array.of(1, 2, 3), ...pngs.slice(1)]
    const pictures = all.map((bytes) => ({ device: 'cam', pixels: { codec: 'png' as const, bytes } }))
    const report = await coded.learn(pictures, 0)
    expect(report).toMatchObject({ steps: 1, stored: 4 })
    expect(report.judgements).toEqual(['kept', 'unreadable', 'kept', 'kept', 'kept'])
    await raw.learn(uploads(0, 4), 0)
    expect((await coded.candidate()).parameters).toEqual((await raw.candidate()).parameters)
  })

  it('learns with the statistics that devices run with, where they are known', async () => {
    const [alone, told] = [await open(), await open()]
    const { source } = told.network
    const statistics = {
      mean: source.mean.map((value) => value + 3),
      variance: source.variance.map((value) => 4 * value),
    }
    await alone.learn(uploads(0, 4), 0)
    await told.learn(uploads(0, 4), 0, statistics)
    const [without, with_] = [(await alone.candidate()).parameters, (await told.candidate()).parameters]
    // A step moves them on by the settings' share, from what was told.
    const moved = with_.mean.map((value, at) => Math.abs(value - statistics.mean[at]!))
    expect(moved.every((value) => value < 2)).toBe(true)
    expect(with_.mean[0]! - without.mean[0]!).toBeGreaterThan(2)
    expect(with_.scale).not.toEqual(without.scale)
  })

  it('comes to the same when it is stopped and opened again in between', async () => {
    const whole = await open()
    for (let round = 0; round < 4; round++) await whole.learn(uploads(6 * round, 6 * round + 6), round)
    let part = await open()
    for (let round = 0; round < 4; round++) {
      await part.learn(uploads(6 * round, 6 * round + 6), round)
      part = await open({}, structuredClone(part.state()))
    }
    expect((await part.candidate()).parameters).toEqual((await whole.candidate()).parameters)
  })

  it('has in no batch more of a device than its bounded share, and none of what the foundation is unsure of', async () => {
    const learner = await open({ fairness: 1.5 })
    const mixed = [
      ...uploads(0, 40, 'flood'),
      ...uploads(40, 42, 'a'),
      ...uploads(42, 44, 'b'),
      ...uploads(44, 46, 'c'),
    ]
    // Four devices: at most 2 of 4 from one. The other three have six: three batches at most hold two of theirs.
    const { stored } = await learner.learn(mixed, 0)
    const { store } = learner.state().engine
    expect(stored).toBeGreaterThanOrEqual(8)
    const flood = new Set(images.slice(0, 40))
    for (let from = 0; from < store.length; from += 4)
      expect(
        store.slice(from, from + 4).filter((pixels) => flood.has(pixels as never)).length,
      ).toBeLessThanOrEqual(2)
    const unsure = await open({ judge: { unsureShare: 0, steady: false } })
    expect(await unsure.learn(uploads(0, 8), 0)).toMatchObject({
      steps: 0,
      judgements: Array(8).fill('unsure'),
    })
  })

  it('does not learn from what only a few devices send, after a restart neither', async () => {
    const judge = { ...lenient.judge, look: { support: 0.2, margin: 0.5 } }
    const learner = await open({ judge })
    const fleet = Array.from({ length: 6 }, (_, at) => uploads(4 * at, 4 * at + 4, `cam-${at}`)).flat()
    const first = await learner.learn(fleet, 0)
    expect(first.judgements.filter((judgement) => judgement === 'kept').length).toBeGreaterThan(12)
    const black = [{ device: 'x', pixels: new Uint8Array(images[0]!.length) }]
    expect((await learner.learn(black, 1)).judgements).toEqual(['unlike'])
    const after = await open({ judge }, structuredClone(learner.state(false)))
    expect((await after.learn(black, 2)).judgements).toEqual(['unlike'])
  })

  it.each([true, false])(
    'after a restart goes back to what was good, not to what it was killed with',
    async (withPixels) => {
      const learner = await open()
      await learner.learn(uploads(0, 8), 0)
      const good = (await learner.candidate()).parameters
      learner.published(1)
      await learner.learn(uploads(8, 16), 1)
      const guard = { ...lenient.guard, histogramDistance: -1 }
      const after = await open({ guard }, structuredClone(learner.state(withPixels)))
      await after.learn(uploads(16, 24), 2)
      expect(await after.candidate()).toMatchObject({
        parameters: good,
        rolledBack: { reason: 'histogram-collapse' },
      })
      expect((await after.rollBack(1)).parameters).toEqual(after.network.source)
    },
  )

  it('can go back to what went out, however often a version could not be written since', async () => {
    const learner = await open()
    const candidates = []
    for (let time = 0; time < 2; time++) {
      await learner.learn(uploads(8 * time, 8 * time + 8), time)
      candidates.push((await learner.candidate()).parameters)
      learner.published(time + 1)
    }
    for (let time = 0; time < 5; time++) await learner.candidate()
    expect((await learner.rollBack(2)).parameters).toEqual(candidates[0])
  })

  it('lets nothing out that does not pass the guard, and goes on from what was good', async () => {
    const guard = { ...lenient.guard, histogramDistance: -1 }
    const learner = await open({ guard })
    const before = learner.network.source
    await learner.learn(uploads(0, 8), 0)
    const candidate = await learner.candidate()
    expect(candidate.rolledBack?.reason).toBe('histogram-collapse')
    expect(candidate.parameters).toEqual(before)
    expect(learner.stored).toBe(0)
  })

  it('tries every version on clean images, where it has some', async () => {
    const probe = { images: images.slice(0, 32), labels: new Array<number>(32).fill(11) }
    // No answer can be right: there is nothing to lose.
    const lost = await open({ probe, guard: { ...lenient.guard, probeDropPts: 0 } })
    await lost.learn(uploads(0, 8), 0)
    expect((await lost.candidate()).rolledBack).toBeUndefined()
    const state = structuredClone(lost.state())
    const { scale, shift } = state.engine.student.parameters
    // A network without features answers the first class to everything.
    for (const vector of [scale, shift]) vector.fill(0)
    const spoilt = await open(
      { probe: { images: images.slice(0, 32) }, guard: { ...lenient.guard, probeDropPts: 1 } },
      state,
    )
    expect((await spoilt.candidate()).rolledBack?.reason).toBe('probe-drop')
  })

  it('falls back when a step gives no number', async () => {
    const learner = await open({ settings: { ...options.settings, studentRate: 1e6 } })
    await expect(learner.learn(uploads(0, 32), 0)).rejects.toMatchObject({ code: 'ADAPTATION_DIVERGED' })
    await learner.fallBack()
    expect((await learner.candidate()).parameters).toEqual(learner.network.source)
  })

  it('gives up a version that devices have turned down', async () => {
    const learner = await open()
    await learner.learn(uploads(0, 8), 0)
    const first = await learner.candidate()
    learner.published(1)
    await learner.learn(uploads(8, 16), 0)
    await learner.candidate()
    learner.published(2)
    await learner.learn(uploads(16, 24), 0)
    const after = await learner.rollBack(2)
    expect(after.rolledBack?.reason).toBe('device-votes')
    expect(after.parameters).toEqual(first.parameters)
    expect((await learner.rollBack(1)).parameters).toEqual(learner.network.source)
  })

  it('goes back behind a version that was turned down after a restart, too', async () => {
    const learner = await open()
    await learner.learn(uploads(0, 8), 0)
    await learner.candidate()
    learner.published(7)
    const after = await open({}, structuredClone(learner.state()))
    expect((await after.rollBack(7)).parameters).toEqual(after.network.source)
  })

  it('gives away no pixel in a state that may hold none', async () => {
    const learner = await open()
    await learner.learn(uploads(0, 7), 0)
    const state = learner.state(false)
    expect([state.engine.store, state.engine.queue, state.judged.devices, state.recent]).toEqual([
      [],
      [],
      [],
      [],
    ])
    const after = await open({}, state)
    expect((await after.candidate()).parameters).toEqual((await learner.candidate()).parameters)
    expect(await after.learn(uploads(7, 15), 0)).toMatchObject({ steps: 2 })
  })
})
