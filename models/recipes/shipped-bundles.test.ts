import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { normLayoutOf, plainWeights } from '../adapt/index.ts'
import { type Bundle, loadBundle, type Mode, type ModelRole } from '../bundle/index.ts'
import { hasCifar10, type LabelledImages, loadCifar10, sliceImages } from '../data/index.ts'
import { readModel } from '../onnx/index.ts'
import { openSession, type Session } from '../runtime/index.ts'
import { top1 } from '../train/index.ts'
import { cifar10Tasks, decoderTop1 } from './cifar10-tasks.ts'
import { latentsOf } from './exit-training.ts'
import { normalisation, splitTop1, throughJpeg } from './measure.ts'
import { receivedLatents, type SplitMode } from './received-latents.ts'

const folder = (name: string): string => fileURLToPath(new URL(`../../bundles/${name}`, import.meta.url))
const wanted = (await hasCifar10()) || process.env.CI === 'true' || process.env.ISTHMUS_FETCH === '1'
if (!wanted)
  console.warn('skipped: accuracy of the shipped bundles. Set ISTHMUS_FETCH=1 to download CIFAR-10 (139 MB).')

const IMAGES = 1000

describe('bundle cifar10', () => {
  let bundle: Bundle
  beforeAll(async () => {
    bundle = await loadBundle(folder('cifar10'))
  })

  it('keeps the device within its means: 12.5 M multiply-adds, 80,000 parameters, 512 bytes per frame', () => {
    const { models, modes } = bundle.manifest
    expect(models.local!.macs).toBeLessThanOrEqual(12.5e6)
    expect(models.local!.params).toBeLessThanOrEqual(80_000)
    for (const mode of modes) if (mode.route === 'split') expect(mode.payloadBytes).toBeLessThanOrEqual(512)
  })

  it('holds the same networks as their own bundles', async () => {
    for (const part of ['teacher', 'local', 'slimmable']) {
      const { models } = (await loadBundle(folder(`cifar10-${part}`))).manifest
      expect(bundle.manifest.models).toMatchObject(models)
    }
  })

  measuredAgain('cifar10')

  it.skipIf(!wanted)(
    'its decoders of further tasks are as accurate as the manifest says',
    async () => {
      const { manifest } = bundle
      const { latent, tasks, labels, modes } = manifest
      const head = await openSession(bundle.modelBytes('head'))
      const images = sliceImages((await loadCifar10()).test, 0, IMAGES)
      const first = modes.find((mode) => mode.route === 'split') as SplitMode
      const latents = receivedLatents(await latentsOf(head, images, latent!, false), [first])
      await head.dispose()
      for (const task of cifar10Tasks(labels, latent!.dims)) {
        const { decoders, labels: own } = tasks!.find(({ name }) => name === task.sizes.task)!
        expect(own).toEqual(task.labels)
        for (const { id, accuracy } of decoders) {
          const decoder = await openSession(bundle.decoderBytes(id))
          const measured = await decoderTop1(decoder, latents, task)
          await decoder.dispose()
          const margin = 4 * Math.sqrt((accuracy * (1 - accuracy)) / IMAGES)
          expect(Math.abs(measured - accuracy), `decoder ${id}: ${measured}`).toBeLessThan(margin)
        }
      }
    },
    300_000,
  )
})

describe('bundle cifar10-mobile', () => {
  measuredAgain('cifar10-mobile')
})

describe('bundle cifar10-adaptable', () => {
  it('has the local network of bundle cifar10-mobile', async () => {
    const [own, mobile] = await Promise.all(
      ['cifar10-adaptable', 'cifar10-mobile'].map((name) => loadBundle(folder(name))),
    )
    const { macs, accuracy } = mobile!.manifest.models.local!
    expect(own!.manifest.models.local).toMatchObject({ macs })
    // A tenth of a point.
    expect(Math.abs(own!.manifest.models.local!.accuracy! - accuracy!)).toBeLessThanOrEqual(0.001)
  })

  it('has normalisations in every network that adapts, and the split network of bundle cifar10', async () => {
    const bundle = await loadBundle(folder('cifar10-adaptable'))
    for (const role of ['local', 'head', 'tail', 'full'] as const)
      expect(
        normLayoutOf(plainWeights(readModel(bundle.modelBytes(role)))).layers.length,
        role,
      ).toBeGreaterThan(4)
    const { modes } = (await loadBundle(folder('cifar10'))).manifest
    for (const mode of bundle.manifest.modes) {
      if (mode.route !== 'split') continue
      const as = modes.find(({ name }) => name === mode.name)!
      expect(mode).toMatchObject({ payloadBytes: as.payloadBytes, headMacs: as.headMacs })
      // A tenth of a point.
      expect(Math.abs(mode.accuracy! - as.accuracy!), mode.name).toBeLessThanOrEqual(0.001)
    }
  })

  measuredAgain('cifar10-adaptable')
})

function measuredAgain(name: string): void {
  describe.skipIf(!wanted)('measured again on the first 1,000 test images', () => {
    let bundle: Bundle
    const sessions = new Map<ModelRole, Session>()
    let images: LabelledImages
    beforeAll(async () => {
      bundle = await loadBundle(folder(name))
      images = sliceImages((await loadCifar10()).test, 0, IMAGES)
      for (const role of ['local', 'head', 'narrowHead', 'tail', 'full'] as const) {
        if (bundle.manifest.models[role]) sessions.set(role, await openSession(bundle.modelBytes(role)))
      }
      return async () => {
        for (const session of sessions.values()) await session.dispose()
      }
    }, 300_000)

    const accuracyOf = async (mode: Mode): Promise<number> => {
      if (mode.route === 'local') return top1(sessions.get('local')!, images, normalisation)
      if (mode.route === 'split') {
        const { dims } = bundle.manifest.latent!
        const [head, tail] = [sessions.get(mode.head ?? 'head')!, sessions.get('tail')!]
        const { accuracy, payloadBytes } = await splitTop1(head, tail, mode.quantizer, images, dims)
        expect(payloadBytes / mode.payloadBytes, `bytes of ${mode.name}`).toBeCloseTo(1, 1)
        return accuracy
      }
      const seen =
        mode.image.codec === 'jpeg' ? (await throughJpeg(images, mode.image.quality!)).images : images
      return top1(sessions.get('full')!, seen, normalisation)
    }

    it('every mode is as accurate as its manifest says', async () => {
      for (const mode of bundle.manifest.modes) {
        const stated = mode.accuracy!
        // Four standard errors of a sample of this size.
        const margin = 4 * Math.sqrt((stated * (1 - stated)) / IMAGES)
        const measured = await accuracyOf(mode)
        expect(
          Math.abs(measured - stated),
          `${mode.name}: stated ${stated}, measured ${measured}`,
        ).toBeLessThan(margin)
      }
    }, 300_000)
  })
}
