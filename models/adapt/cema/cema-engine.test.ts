import { beforeAll, describe, expect, it } from 'vitest'
import { seededRandom } from '../../data/index.ts'
import { localNet, NetBuilder } from '../../nets/index.ts'
import type { Model } from '../../onnx/index.ts'
import { CemaEngine, type CemaOptions } from './cema-engine.ts'
import { SampleStore } from './sample-store.ts'

function network(seed: number, stage1: number, stage2: number): Model {
  const net = new NetBuilder(`net${seed}`, { random: seededRandom(seed) })
  const input = net.g.input('input', 'float32', ['N', 3, 32, 32])
  net.g.output(localNet(net, input, { stage1, stage2 }), 'logits', 'float32', ['N', 10])
  return net.build()
}

const options: CemaOptions = {
  student: network(1, 4, 6),
  foundation: network(2, 6, 8),
  mean: [0.5, 0.5, 0.5],
  std: [0.25, 0.25, 0.25],
  settings: { batch: 4, replayPerNew: 3, replayFrom: 16, replayLimit: 24 },
}

const uploads = (count: number, seed: number): Uint8Array[] => {
  const random = seededRandom(seed)
  return Array.from({ length: count }, () => Uint8Array.from({ length: 3072 }, () => random.below(256)))
}

async function runAll(engine: CemaEngine): Promise<number[]> {
  const rows: number[] = []
  while (engine.queued >= 4) rows.push((await engine.tick())!.rows)
  return rows
}

describe('CemaEngine', () => {
  let samples: Uint8Array[]
  beforeAll(() => {
    samples = uploads(40, 5)
  })

  it('learns from new uploads alone until the store is full enough, then from earlier ones too', async () => {
    const engine = await CemaEngine.open(options)
    for (const sample of samples) engine.add(sample)
    expect(await runAll(engine)).toEqual([4, 4, 4, 4, 16, 16, 16, 16, 16, 16])
    expect(engine.state().store.length).toBe(24)
    // The oldest have made room.
    expect(new Set(engine.state().store)).toEqual(new Set(samples.slice(16)))
    await engine.dispose()
  })

  it('goes on from the store when no batch is there, and does nothing while the store is small', async () => {
    const engine = await CemaEngine.open(options)
    expect(await engine.tick()).toBeUndefined()
    for (const sample of samples.slice(0, 20)) engine.add(sample)
    await runAll(engine)
    const report = await engine.tick()
    expect(report).toMatchObject({ fresh: 0, rows: 16, foundationLoss: undefined })
    await engine.dispose()
  })

  it('takes statistics of its student alone, and no others', async () => {
    const engine = await CemaEngine.open(options)
    const { mean, variance } = engine.parameters()
    const told = [
      { moments: { mean: mean.subarray(1), variance }, code: 'NORM_MISMATCH' },
      { moments: { mean, variance: variance.subarray(1) }, code: 'NORM_MISMATCH' },
      { moments: { mean: mean.map(() => Number.NaN), variance }, code: 'NORM_NOT_FINITE' },
      { moments: { mean, variance: variance.map(() => -1) }, code: 'NORM_NOT_FINITE' },
    ]
    for (const { moments, code } of told)
      expect(() => engine.useStatistics(moments)).toThrow(expect.objectContaining({ code }))
    expect(engine.parameters()).toMatchObject({ mean, variance })
    await engine.dispose()
  })

  it('comes to the same parameters when it was stopped and opened again', async () => {
    const whole = await CemaEngine.open(options)
    for (const sample of samples) whole.add(sample)
    await runAll(whole)
    let part = await CemaEngine.open(options)
    for (const sample of samples) part.add(sample)
    for (let step = 0; step < 10; step++) {
      await part.tick()
      const state = structuredClone(part.state())
      await part.dispose()
      part = await CemaEngine.open({ ...options, state })
    }
    expect(part.parameters()).toEqual(whole.parameters())
    await whole.dispose()
    await part.dispose()
  })

  it('draws otherwise with another seed', async () => {
    const parameters = await Promise.all(
      [1, 2].map(async (seed) => {
        const engine = await CemaEngine.open({ ...options, settings: { ...options.settings, seed } })
        for (const sample of samples) engine.add(sample)
        await runAll(engine)
        const result = engine.parameters()
        await engine.dispose()
        return result
      }),
    )
    expect(parameters[0]).not.toEqual(parameters[1])
  })

  it('refuses an image of another size and networks that do not belong together', async () => {
    const engine = await CemaEngine.open(options)
    expect(() => engine.add(new Uint8Array(3071))).toThrow(/3071 bytes/)
    expect(engine.queued).toBe(0)
    await engine.dispose()
    const net = new NetBuilder('other', { random: seededRandom(1) })
    const input = net.g.input('input', 'float32', ['N', 3, 16, 16])
    net.g.output(localNet(net, input, { stage1: 4, stage2: 4 }), 'logits', 'float32', ['N', 10])
    await expect(CemaEngine.open({ ...options, foundation: net.build() })).rejects.toThrow(/16/)
  })
})

describe('SampleStore', () => {
  it('draws without repeats, each sample as often as any other', () => {
    const store = new SampleStore(10, uploads(10, 1))
    const seen = new Map<Uint8Array, number>()
    for (let draw = 0; draw < 2000; draw++) {
      const drawn = store.draw(3, seededRandom(draw))
      expect(new Set(drawn).size).toBe(3)
      for (const sample of drawn) seen.set(sample, (seen.get(sample) ?? 0) + 1)
    }
    // 600 expected; 5 standard deviations of a binomial are about 102.
    for (const count of seen.values()) expect(Math.abs(count - 600)).toBeLessThan(102)
    expect(seen.size).toBe(10)
  })
})
