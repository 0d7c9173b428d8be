import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Manifest } from '../bundle/manifest.ts'
import { standsInTheWay, writeBundle } from '../bundle/write.ts'
import type { Quantizer } from '../codec/quantizer.ts'
import { seededRandom } from '../data/random.ts'
import type { Model } from '../onnx/graph.ts'
import { readModelFile } from '../onnx/model-files.ts'
import * as pack from '../pack/index.ts'
import { openSession } from '../runtime/node.ts'
import { type Command, formatBytes, formatCount, type Output } from './kit/index.ts'
import { type PackOptions, packHelp, readPackOptions } from './pack-options.ts'
import { type PackPhotos, readPhotos } from './pack-photos.ts'
import { describeCalibrations, jpegWarning, measuredNote, modeTable, nextSteps } from './pack-report.ts'

/** Values of the latent that a quantiser's range is fitted to. */
const SAMPLE_SIZE = 2 ** 18

async function readLabels({ labels: file, background }: PackOptions): Promise<string[]> {
  const bytes = await readFile(file).catch((cause: Error) => {
    throw pack.packError('LABELS_MISMATCH', `Cannot read the labels "${file}": ${cause.message}.`)
  })
  const labels = pack.parseLabels(bytes)
  return background ? ['background', ...labels] : labels
}

type Role = 'whole' | 'head' | 'tail' | 'local'

/** All networks of the bundle, opened; `local` only when it is one of its own. */
type Opened = Record<Exclude<Role, 'local'>, pack.OpenNetwork> & { readonly local?: pack.OpenNetwork }

/** Runs `work` with the networks open. */
async function withNetworks<T>(
  models: Readonly<Record<Exclude<Role, 'local'>, Model>> & { readonly local: Model | undefined },
  cut: pack.CutNetwork,
  threads: number,
  work: (opened: Opened) => Promise<T>,
): Promise<T> {
  const opened: Partial<Record<Role, pack.OpenNetwork>> = {}
  const open = (bytes: Uint8Array) => openSession(bytes, { intraOpThreads: threads })
  try {
    for (const role of ['whole', 'head', 'tail', 'local'] as const) {
      const model = models[role]
      const dims = role === 'tail' ? cut.latentDims : cut.network.input.dims
      if (model) opened[role] = await pack.openNetwork(model, dims, open)
    }
    return await work(opened as Opened)
  } finally {
    for (const { session } of Object.values(opened)) await session.dispose()
  }
}

/** Runs every network once; gives the output that all have in common, and the time of the whole one. */
async function agreeOnOutput(
  { whole, head, tail, local }: Opened,
  cut: pack.CutNetwork,
  localModel: Model | undefined,
  kind: PackOptions['kind'],
): Promise<{ readonly output: Manifest['output']; readonly wholeMs: number }> {
  const { network, latentDims } = cut
  const answer = await pack.tryNetwork(cut.whole, whole.session, network.input.dims)
  const startMs = performance.now()
  await pack.tryNetwork(cut.whole, whole.session, network.input.dims)
  const wholeMs = performance.now() - startMs
  const latent = await pack.tryNetwork(cut.head, head.session, network.input.dims)
  if (`${latent.dims}` !== `${latentDims}`) {
    throw pack.packError(
      'CANNOT_PACK',
      `The head gives [${latent.dims}] where the model states [${latentDims}].`,
    )
  }
  await pack.tryNetwork(cut.tail, tail.session, latentDims)
  const output = { name: network.output, dims: [...answer.dims], kind: kind ?? answer.kind }
  if (local && localModel) {
    const own = await pack.tryNetwork(localModel, local.session, network.input.dims)
    if (`${own.dims}` !== `${answer.dims}` || (kind === undefined && own.kind !== answer.kind)) {
      throw pack.packError(
        'CANNOT_PACK',
        `The local network gives ${own.kind} [${own.dims}], the whole one ${answer.kind} [${answer.dims}]: they must be alike.`,
      )
    }
  }
  return { output, wholeMs }
}

/** A quantiser for each number of bits, fitted to photos when there are any, and its codes' tables, too. */
async function fitQuantizers(
  { bits, clipPercent, coding }: PackOptions,
  head: pack.OpenNetwork,
  latentDims: readonly number[],
  photos: readonly string[],
  input: Manifest['input'],
  output: Output,
): Promise<{ readonly quantizers: Quantizer[]; readonly calibrations: pack.Calibration[] }> {
  const fitted = photos.length > 0 ? bits.filter((each) => each <= 8) : []
  const calibrations: pack.Calibration[] = []
  const latents = new pack.LatentSample()
  if (fitted.length > 0) {
    const sample = new pack.ValueSample(SAMPLE_SIZE, photos.length, seededRandom(1))
    const onDone = (done: number) => output.progress?.('fitting the quantiser', done, photos.length)
    await pack.sampleLatents(head.session, pack.eachPhoto(photos, input, onDone), input, {
      add(latent) {
        sample.add(latent)
        if (coding === 'entropy') latents.add(latent)
      },
    })
    const sorted = sample.sorted()
    for (const each of fitted) calibrations.push(pack.calibrate(sorted, each, clipPercent))
  }
  const quantizers = bits.map((each): Quantizer => {
    const plain = calibrations.find(({ quantizer }) => quantizer.bits === each)?.quantizer
    if (!plain) return { kind: 'affine-dynamic', bits: each }
    return coding === 'entropy' ? pack.coded(plain, latents, latentDims) : plain
  })
  return { quantizers, calibrations }
}

/** How the bundle came to be, for its manifest. */
function recipeOf(
  options: PackOptions,
  model: pack.OpenNetwork,
  calibrations: readonly pack.Calibration[],
  photos: PackPhotos,
): Record<string, string | number> {
  return {
    made: 'isthmus-models pack',
    model: basename(options.model),
    modelSha256: createHash('sha256').update(model.bytes).digest('hex'),
    cutAt: options.at,
    ...(calibrations.length > 0 ? { 'calibration.photos': photos.calibration.length } : {}),
    ...Object.fromEntries(
      calibrations.map(({ quantizer, clipPercent }) => [
        `split-${quantizer.bits}bit.clipPercent`,
        clipPercent,
      ]),
    ),
  }
}

export const packCommand: Command = {
  name: 'pack',
  summary: 'make a bundle that device and server run, from a model, a cut, labels and your photos',
  help: packHelp,
  async run(args, output) {
    const options = readPackOptions(args)
    // Found out before the long work, not after it.
    await standsInTheWay(options.out)
    const labels = await readLabels(options)
    const whole = await readModelFile(options.model)
    const cut = pack.cutNetwork(whole, options.at, options.shapes, options.bits)
    const local = options.local && pack.localNetwork(await readModelFile(options.local), cut.network)
    const models = { whole, head: cut.head, tail: cut.tail, local: local || undefined }
    const input = { ...cut.network.input, ...options.pixels, fit: options.fit }

    return withNetworks(models, cut, options.threads, async (opened) => {
      const { output: answer, wholeMs } = await agreeOnOutput(opened, cut, models.local, options.kind)
      pack.checkLabelCount(
        labels,
        answer.dims.reduce((product, dim) => product * dim, 1),
        options.background,
      )
      const photos = await readPhotos(options, labels, input, output)
      const { quantizers, calibrations } = await fitQuantizers(
        options,
        opened.head,
        cut.latentDims,
        photos.calibration,
        input,
        output,
      )
      const modes = pack.planModes(quantizers, options.image)
      const { trial, classOf } = photos
      const onDone = (done: number) => output.progress?.('trying the modes', done, trial.length)
      const sessions = {
        whole: opened.whole.session,
        head: opened.head.session,
        tail: opened.tail.session,
        local: opened.local?.session,
      }
      const setting = { input, latentDims: cut.latentDims, modes, classOf }
      const measurement =
        trial.length > 0
          ? await pack.tryModes(sessions, pack.eachPhoto(trial, input, onDone), setting)
          : undefined

      const count = ({ macs, params }: pack.OpenNetwork) => ({ macs, params })
      const draft = pack.bundleDraft({
        name: options.name,
        version: options.version,
        labels,
        input,
        output: answer,
        latent: { name: options.at, dims: cut.latentDims },
        head: count(opened.head),
        tail: count(opened.tail),
        whole: count(opened.whole),
        local: opened.local && count(opened.local),
        modes,
        imageBytes: photos.imageBytes,
        measurement,
        measuredOn: photos.trialName,
        recipe: recipeOf(options, opened.whole, calibrations, photos),
      })
      const files: Record<string, Uint8Array> = {
        'head.onnx': opened.head.bytes,
        'tail.onnx': opened.tail.bytes,
        ...(opened.local ? { 'local.onnx': opened.local.bytes } : {}),
        ...(draft.models.full || !opened.local ? { 'full.onnx': opened.whole.bytes } : {}),
      }
      const { id, manifest } = await writeBundle(options.out, draft, files)

      const { layout, dims } = input
      output.print(
        [
          `${options.out}: bundle ${id}, ${labels.length} labels, input ${layout} ${dims.join('×')}, output ${answer.kind}`,
          ...(calibrations.length > 0
            ? [describeCalibrations(calibrations, photos.calibration.length, options.coding)]
            : []),
          `${modeTable(manifest, measurement)}\n  ${measuredNote(measurement)}`,
        ].join('\n\n'),
      )
      for (const note of notes(manifest, photos, opened)) output.warn(`\nNote: ${note}`)
      output.print(`\n${nextSteps(options.out, wholeMs)}`)
      return 0
    })
  },
}

/** What a user should know of this bundle. */
function notes(manifest: Manifest, photos: PackPhotos, opened: Opened): string[] {
  const own = opened.local ? undefined : opened.whole
  const dynamic = manifest.modes.some(({ route }) => route === 'split') && photos.calibration.length === 0
  return [
    jpegWarning(manifest.modes, photos.jpegBytes, photos.calibration.length > 0),
    dynamic &&
      "Without photos the quantiser takes each frame's own extremes as its range, and sends them along. --photos DIR fits it to your data, and tells how well the modes answer.",
    own &&
      `When no answer comes, the device runs the whole network: ${formatCount(own.macs)} multiply-adds, ${formatBytes(own.bytes.length)}. --local FILE gives it a smaller one.`,
  ].filter((note) => typeof note === 'string')
}
