import {
  type NormParameters,
  normLayoutOf,
  readNormParameters,
  withNormParameters,
} from '@isthmus/models/adapt'
import { quantize } from '@isthmus/models/codec'
import { seededRandom } from '@isthmus/models/data'
import { NetBuilder } from '@isthmus/models/nets'
import { type Model, writeModel } from '@isthmus/models/onnx'
import { openSession } from '@isthmus/models/runtime'
import { afterEach, describe, expect, it } from 'vitest'
import { manifest, modes } from '../dispatch/bundle.test.support.ts'
import type { TailChoice } from '../dispatch/tail-choice.ts'
import type { TailWork } from '../dispatch/work.ts'
import { BundleTails } from './bundle-tails.ts'
import { latentDims, summingModel } from './models.test.support.ts'

/** The bundle's latent [1, 2, 2] → two logits, with a normalisation. */
function tailModel(): Model {
  const net = new NetBuilder('tail', { random: seededRandom(1) })
  const latent = net.g.input('latent', 'float32', ['N', ...latentDims])
  const conv = net.conv('conv', latent, 1, 3, { kernel: 1 })
  net.g.output(net.linear('last', net.globalAverage(net.normRelu('norm', conv, 3)), 3, 2), 'logits')
  return net.build()
}

const model = tailModel()
const layout = normLayoutOf(model)
const base = readNormParameters(model, layout)
const other: NormParameters = { ...base, shift: base.shift.map((value) => value + 0.5) }
const broken: NormParameters = { ...base, shift: base.shift.map(() => Number.NaN) }
const values = Float32Array.of(1, 2, 3, 4)
const mode = modes[0]!

const opened: BundleTails[] = []
afterEach(async () => {
  for (const tails of opened.splice(0)) await tails.close()
})

async function open(tail: Uint8Array = writeModel(model)): Promise<BundleTails> {
  const shape = { ...manifest, output: { ...manifest.output, dims: [2] } }
  const bundle = { key: 77, id: 'tiny@1.0.0', manifest: shape, tail, full: undefined, adapts: true }
  const tails = await BundleTails.open(bundle, { intraOpThreads: 1, maxBatch: 4 })
  opened.push(tails)
  return tails
}

const work = (tail?: TailChoice): TailWork => {
  if (mode.route !== 'split') throw new Error('The first mode is split')
  const payload = Uint8Array.from(quantize(values, mode.quantizer).packed)
  const range = { scale: undefined, zeroPoint: undefined, deadlineMs: 0 }
  return { bundle: 77, mode: mode.id, payload, ...range, ...(tail ? { tail } : {}) }
}
const choice = (parameters: NormParameters, orPacked = false): TailChoice => ({
  ...{ version: 5, epoch: 8 },
  parameters,
  orPacked,
})

const computed = async (tails: BundleTails, tail?: TailChoice) => (await tails.compute([work(tail)]))[0]!

async function expected(parameters: NormParameters): Promise<number[]> {
  const session = await openSession(writeModel(withNormParameters(model, layout, parameters)))
  const { logits } = await session.run({
    latent: { dtype: 'float32', dims: [1, ...latentDims], data: values },
  })
  await session.dispose()
  return [...(logits!.data as Float32Array)]
}

describe('a tail that adapts', () => {
  it('answers as the network with these parameters does, and each work by its own', async () => {
    const tails = await open()
    for (const parameters of [base, other, base]) {
      const outcome = await computed(tails, choice(parameters))
      if (!outcome.ok) throw new Error(outcome.detail)
      const wanted = await expected(parameters)
      outcome.result.forEach((value, at) => {
        expect(value).toBeCloseTo(wanted[at]!, 5)
      })
      expect(outcome.tail).toEqual({ version: 5, epoch: 8 })
    }
    const packed = await computed(tails)
    expect(packed).toMatchObject({ ok: true })
    expect(packed).not.toHaveProperty('tail')
  })

  it('gives way to the packed one when it breaks and that fits, too; else the request fails', async () => {
    const tails = await open()
    const outcome = await computed(tails, choice(broken, true))
    if (!outcome.ok) throw new Error(outcome.detail)
    expect([...outcome.result]).toEqual(await expected(base))
    expect(outcome.tail).toBeUndefined()
    expect(await computed(tails, choice(broken))).toMatchObject({ ok: false, code: 'TAIL_FAILED' })
  })

  it('is none where the tail has no normalisations', async () => {
    const tails = await open(summingModel('latent', latentDims))
    expect(await computed(tails)).toMatchObject({ ok: true })
    expect(await computed(tails, choice(base))).toMatchObject({ ok: false, code: 'PATCH_MISMATCH' })
  })
})
