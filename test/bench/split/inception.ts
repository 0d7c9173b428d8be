import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadBundle } from '@isthmus/models/bundle'
import { decodeImage, listPhotos } from '@isthmus/models/data'
import { z } from 'zod'
import { leftOut, type Part, unreached } from '../part.ts'
import type { SuiteContext } from '../suite.ts'
import { type Autoencoder, autoencodersAt } from './autoencoder.ts'
import { classify, hitsOf, openNetwork, percentage } from './classify.ts'
import { type CodecCurve, codecCurves, compareAll, describedCurves } from './codec-comparison.ts'
import { avifSettings, type CodecSetting, jpegSettings, webpSettings } from './codecs/image-codecs.ts'
import { sharedData } from './cuts.ts'
import { headCosts } from './encoder-cost.ts'
import { mean } from './operating-points.ts'
import { pickledBytes } from './pickled-bytes.ts'
import { headOf, splitModes } from './split-modes.ts'
import { splitRuns } from './split-runs.ts'
import { type UntrainedCut, untrainedCut } from './untrained-cut.ts'
import { untrainedPlaces } from './untrained-cuts.ts'

const names = ['inceptionAgreementPct', 'inceptionBestCodecRatio']

/** What a mode may send for the figures to speak of it. */
const MOST_BYTES = 12_000

/** Every setting of each codec, as on CIFAR-10: which of them is the best peer differs from photo to photo. */
const settings = (): CodecSetting[] => [
  ...jpegSettings([8, 15, 25, 40, 60, 80]),
  ...webpSettings([1, 10, 25, 40, 60, 80]),
  ...avifSettings([10, 18, 26, 34, 42, 50, 54, 60], 4),
]

/** What crosses of a cut without training has to fit into a message. */
const MOST_LATENT_BYTES = 131_072
/** The last cuts are those with the least to send. */
const UNTRAINED_PLACES = 3
const CALIBRATION_PHOTOS = 60
const AUTOENCODERS = { epochs: 60, channels: [8, 24, 64] }

/** What `isthmus-models bottleneck` writes beside a bundle: the photos that its training never saw. */
const reportSchema = z.looseObject({ heldOut: z.array(z.string().regex(/^[^/\\]+$/)).min(1) })

/** Where the bundle and the photos are, or why there is nothing to measure. */
function places(quick: boolean): { bundle: string; photos: string } | string {
  if (quick) return 'a quick run leaves it out'
  const bundle =
    process.env.ISTHMUS_INCEPTION_BUNDLE ??
    fileURLToPath(new URL('../../../../bundles/inception-v3', import.meta.url))
  const photos = join(sharedData(), 'imagenet-sample')
  if (!existsSync(photos)) return 'the photos are absent: see ISTHMUS_SHARED_DATA'
  if (!existsSync(join(bundle, 'manifest.json')) || !existsSync(`${bundle}.report.json`)) {
    return 'there is no bundle of it: make one with isthmus-models bottleneck, and name its folder in ISTHMUS_INCEPTION_BUNDLE'
  }
  return { bundle, photos }
}

/**
 * A network that we did not make, with a bottleneck that was made from photos without labels: how often it agrees with the whole
 * network on photos kept back, and what image codecs need for the same agreement.
 */
export async function measureInception({ quick, threads, say }: SuiteContext): Promise<Part> {
  const found = places(quick)
  if (typeof found === 'string') return leftOut(names, found)
  const bundle = await loadBundle(found.bundle)
  const { manifest } = bundle
  const { heldOut } = reportSchema.parse(JSON.parse(await readFile(`${found.bundle}.report.json`, 'utf8')))
  const [height, width] =
    manifest.input.layout === 'NCHW' ? manifest.input.dims.slice(1) : manifest.input.dims
  const read = (names: readonly string[]) =>
    Promise.all(
      names.map((name) =>
        decodeImage(join(found.photos, name), { width: width!, height: height!, fit: manifest.input.fit }),
      ),
    )
  const pictures = await read(heldOut)
  const others = (await listPhotos(found.photos)).map((path) => basename(path))
  const training = await read(others.filter((name) => !heldOut.includes(name)))
  const teacher = await openNetwork(manifest, bundle.modelBytes('full'), threads)
  try {
    say(`Inception V3 on ${pictures.length} photos`)
    const wanted = await classify(manifest, pictures, teacher.score)
    say(`${splitModes(bundle).length} split modes of it`)
    const runs = await splitRuns(bundle, splitModes(bundle), pictures, threads)
    const costs = headCosts(bundle)
    const ours = runs.map(({ mode, classes, bytes }) => ({
      name: mode.name,
      bytes: mean(bytes),
      score: percentage(hitsOf(classes, wanted)),
      pickledBytes: mean(Array.from(bytes, pickledBytes)),
      headMacsM: costs.get(headOf(mode))!.macs / 1e6,
      exrdKB2: (costs.get(headOf(mode))!.bytes / 1000) * (mean(bytes) / 1000),
    }))
    const [finest] = splitModes(bundle)
    const [plain] = await splitRuns(
      bundle,
      [{ ...finest!, quantizer: { kind: 'affine-dynamic', bits: 8 } }],
      pictures,
      threads,
    )
    const subject = {
      face: manifest,
      model: bundle.modelBytes('full'),
      calibration: training.slice(0, CALIBRATION_PHOTOS),
      pictures,
      wanted,
      threads,
    }
    const untrained: UntrainedCut[] = []
    const autoencoders: Autoencoder[] = []
    for (const place of untrainedPlaces(subject.model, manifest, MOST_LATENT_BYTES).slice(
      -UNTRAINED_PLACES,
    )) {
      say(`Inception V3 cut at ${place.tensor}, ${place.uint8Bytes} bytes as uint8`)
      untrained.push(await untrainedCut(subject, place))
      autoencoders.push(...(await autoencodersAt(subject, place, { photos: training, ...AUTOENCODERS }, say)))
    }
    const judge = { face: manifest, score: teacher.score, pictures, wanted }
    const curves = await codecCurves(settings(), judge, say)
    const part = judged(ours, curves, bundle.id, pictures.length)
    const bottleneck8bit = {
      about: 'CR+BQ: the same head and tail, 8 bits a value, no entropy coding',
      bytes: mean(plain!.bytes),
      pickledBytes: mean(Array.from(plain!.bytes, pickledBytes)),
      score: percentage(hitsOf(plain!.classes, wanted)),
    }
    const peers = {
      inceptionUntrainedCuts: untrained.map((each) => ({ ...each })),
      inceptionAutoencoders: autoencoders.map((each) => ({ ...each })),
      inception8bit: bottleneck8bit,
    }
    return { ...part, peers: { ...part.peers, ...peers } }
  } finally {
    await teacher.dispose()
  }
}

type OurPoint = { name: string; bytes: number; score: number } & Readonly<Record<string, number | string>>

function judged(ours: readonly OurPoint[], curves: readonly CodecCurve[], id: string, photos: number): Part {
  const compared = compareAll(ours, curves)
  const best = ours
    .filter(({ bytes }) => bytes <= MOST_BYTES)
    .sort((a, b) => b.score - a.score || a.bytes - b.bytes)[0]
  const other = compared.find(({ name }) => name === best?.name)
  const ratio: Part = other
    ? { figures: { inceptionBestCodecRatio: other.ratio } }
    : unreached('inceptionBestCodecRatio', 'no codec was tried at a quality that agrees as often')
  const agreement: Part = best
    ? { figures: { inceptionAgreementPct: best.score } }
    : unreached('inceptionAgreementPct', `no mode sends at most ${MOST_BYTES} bytes`)
  return {
    figures: { ...agreement.figures, ...ratio.figures },
    missing: { ...agreement.missing, ...ratio.missing },
    verdicts: { ...agreement.verdicts, ...ratio.verdicts },
    peers: { inceptionCodecs: describedCurves(curves) },
    detail: {
      inception: {
        bundle: id,
        photos,
        judged: best?.name,
        modes: Object.fromEntries(ours.map(({ name, ...rest }) => [name, rest])),
        comparison: compared.map((one) => ({ ...one })),
      },
    },
  }
}
