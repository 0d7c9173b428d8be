import type { Bundle, Manifest } from '@isthmus/models/bundle'
import { readPublicKey } from '@isthmus/models/patch'
import type { Session } from '@isthmus/models/runtime'
import {
  answerEntropy,
  CollapseGuard,
  selectorNamed,
  UplinkBudget,
  UploadQueue,
  type UploadSelector,
} from '@isthmus/policies/upload'
import { familyKey, type PatchReason, patchTopic } from '@isthmus/proto'
import type { Clock } from '../clock.ts'
import { deviceError } from '../errors.ts'
import { checkFrame, type InputShape } from '../frame.ts'
import type { ImageWork } from '../images.ts'
import type { ModelVersion } from '../loaded-model.ts'
import type { ModelRunner } from '../model-runner.ts'
import { Normaliser } from '../normalise.ts'
import type { ServerLink } from '../server-link.ts'
import { Adaptation, type ChangingModel, type PatchSource } from './adaptation.ts'
import { AdaptedModel, type Place } from './adapted-model.ts'
import type { PatchedRole } from './events.ts'
import { type AdaptationOptions, statisticsOptions } from './options.ts'
import { OwnStatistics } from './own-statistics.ts'
import { safeListener, safeSelector, type Warn } from './owner-code.ts'
import { PatchReceiver, type ReceiverParts } from './patch-receiver.ts'
import type { PatchStore } from './patch-store.ts'
import { PatchedNetwork } from './patched-network.ts'
import { type Probe, ProbeSet } from './probe-set.ts'
import { type QueuedSample, Uploader } from './uploader.ts'

/** What a device is when it begins to take part in adaptation. */
export interface AdaptedDevice {
  readonly site: string
  readonly bundle: Bundle
  readonly runners: Readonly<Partial<Record<PatchedRole, ModelRunner | undefined>>>
  readonly link: ServerLink | undefined
  readonly images: ImageWork
  readonly shape: InputShape
  readonly clock: Clock
}

/** What adaptation needs of Node, handed in so that tests run without a disk and in virtual time. */
export interface AdaptationGround {
  readonly openModel: (file: Uint8Array, role: PatchedRole, place: Place) => Promise<Session>
  /** Where the last good version of a family is kept; undefined: nowhere. */
  readonly storeFor: (family: string, channels: number) => PatchStore | undefined
  readonly wallS: () => number
  /** A warning of the process. */
  readonly warn: Warn
  /** Nothing will be opened any more. */
  readonly ended?: () => Promise<unknown>
}

const roles: readonly PatchedRole[] = ['local', 'head', 'narrowHead']
/** Pictures up to this many bytes are sent as they are. */
const SMALL_PICTURE = 49_152

/**
 * Puts a device's part in adaptation together. Throws BAD_OPTIONS for a key or a probe that is none, NOT_ADAPTABLE for a key where no
 * network of the bundle can be patched.
 */
export async function adaptDevice(
  given: AdaptationOptions,
  device: AdaptedDevice,
  ground: AdaptationGround,
): Promise<Adaptation> {
  const { link } = device
  const { selector, onEvent } = given
  const options: AdaptationOptions = {
    ...given,
    selector: typeof selector === 'string' ? selector : safeSelector(selector, ground.warn),
    onEvent: safeListener(onEvent, ground.warn),
  }
  const statistics = options.statistics ?? (options.patchKey === undefined ? false : statisticsOptions)
  const models = await changingModels(options, statistics !== false, device, ground)
  const uploader = uploaderFor(options, device)
  return new Adaptation({
    privacy: options.privacy,
    outputKind: device.bundle.manifest.output.kind,
    uploader,
    models,
    statistics:
      statistics === false
        ? undefined
        : ownStatistics(statistics, options, { models, uploader }, device, ground),
    isOnline: () => link !== undefined && link.refusal() === undefined,
    offersSplit: options.privacy === 'raw' && options.learnFrom === 'split-too',
    ended: ground.ended,
  })
}

/** What sends samples. */
export function uploaderFor(
  options: AdaptationOptions,
  device: Omit<AdaptedDevice, 'bundle'> & { readonly bundle: Pick<Bundle, 'manifest' | 'key'> },
): Uploader {
  const { manifest } = device.bundle
  const { clock, link, shape, images } = device
  const runners = Object.values(device.runners)
  const { privacy, onEvent, queue, bytesPerHour } = options
  const tell = onEvent ?? (() => {})
  const family = manifest.models.local?.sha256 ?? manifest.models.head?.sha256 ?? ''
  const isSmall = shape.count <= SMALL_PICTURE
  return new Uploader({
    family: familyKey(family),
    bundleKey: device.bundle.key,
    outputKind: manifest.output.kind,
    shape,
    images,
    image: options.image ?? (isSmall ? { codec: 'raw' } : { codec: 'jpeg', quality: 90 }),
    privacy,
    selector: selectorOf(options.selector, classesOf(manifest)),
    budget: new UplinkBudget(bytesPerHour, clock.now()),
    queue: new UploadQueue<QueuedSample>(queue),
    uplink: {
      // Whoever waits for an answer has the uplink to himself.
      blocked: () =>
        link?.refusal() !== undefined || !link ? 'offline' : link.outstanding > 0 ? 'busy' : undefined,
      get isUnwanted() {
        return link?.samplesUnwanted ?? false
      },
      working: () => runners.some((runner) => runner !== undefined && runner.backlog > 0),
      send: (body, payload) => link?.tell(body, payload) ?? false,
      get rateBps() {
        return link?.estimate?.rateBps
      },
      get largestBytes() {
        return link?.largestBytes ?? 0
      },
    },
    clock,
    tell,
  })
}

/** The models that patches or own statistics can change. */
async function changingModels(
  options: AdaptationOptions,
  hasStatistics: boolean,
  device: AdaptedDevice,
  ground: AdaptationGround,
): Promise<ChangingModel[]> {
  const { bundle, runners } = device
  const { patchKey, guard, onEvent: tell = () => {} } = options
  const publicKey = patchKey === undefined ? undefined : keyOf(patchKey)
  const { output } = bundle.manifest
  const classes = classesOf(bundle.manifest)
  const models: ChangingModel[] = []
  for (const role of publicKey ? roles : hasStatistics ? (['local'] as const) : []) {
    const runner = runners[role]
    const family = bundle.manifest.models[role]?.sha256
    const network = runner && family ? PatchedNetwork.of(bundle.modelBytes(role), output.name) : undefined
    if (!runner || !family || !network) continue
    const model = new AdaptedModel({
      role,
      network,
      runner,
      openModel: (file, place) => ground.openModel(file, role, place),
      store: ground.storeFor(family, network.layout.channels),
      guard: guard === false ? undefined : new CollapseGuard({ classes, ...guard }),
      probes: role === 'local' ? await probesOf(options, device) : undefined,
      tell,
    })
    const patches = publicKey && patchSource({ role, family, model, publicKey, tell }, device, ground)
    models.push({ role, model, patches })
  }
  if (models.length > 0 || !publicKey) return models
  throw deviceError(
    'NOT_ADAPTABLE',
    'No network of the bundle has normalisation layers that a patch could change.',
  )
}

function patchSource(
  parts: Pick<ReceiverParts, 'role' | 'family' | 'model' | 'publicKey' | 'tell'>,
  { link, clock, site }: AdaptedDevice,
  { wallS }: AdaptationGround,
): PatchSource {
  const family = familyKey(parts.family)
  const ask = (held: ModelVersion) => (reason: PatchReason, refused: ModelVersion | undefined) =>
    link?.tell({
      kind: 'patchRequest',
      family,
      ...held,
      reason,
      ...(refused ? { refused: refused.version, refusedEpoch: refused.epoch } : {}),
    }) ?? false
  const receiver = new PatchReceiver({ ...parts, clock, wallS, ask })
  return { family, topic: patchTopic(site, parts.family), receiver }
}

/** Why there are none, where the local network has nothing that they could change. */
function ownStatistics(
  settings: { readonly frames: number; readonly busyShare: number },
  { onEvent: tell = () => {} }: AdaptationOptions,
  { models, uploader }: { readonly models: readonly ChangingModel[]; readonly uploader: Uploader },
  { bundle, shape, clock }: AdaptedDevice,
  ground: AdaptationGround,
): OwnStatistics | string {
  const local = models.find(({ role }) => role === 'local')
  if (!local) {
    const why = 'The local network has no normalisation layers that statistics could change.'
    tell({ kind: 'statistics', role: 'local', what: 'off', why })
    return why
  }
  return new OwnStatistics({
    model: local.model,
    openMoments: (file, place) => ground.openModel(file, 'local', place),
    dims: shape.dims,
    entropyOf: (output) => answerEntropy(output, bundle.manifest.output.kind).entropy,
    ...settings,
    clock,
    report: (statistics, takenWith) => uploader.offerStatistics(statistics, takenWith),
    tell,
  })
}

async function probesOf(
  { probes }: AdaptationOptions,
  { bundle, images, shape }: AdaptedDevice,
): Promise<ProbeSet | undefined> {
  if (!probes) return undefined
  const { labels } = bundle.manifest
  const normaliser = new Normaliser(shape)
  const made: Probe[] = []
  for (const { frame, label } of probes.frames) {
    checkFrame(frame, shape)
    const number = typeof label === 'number' ? label : labels.indexOf(label)
    if (!(number >= 0 && number < classesOf(bundle.manifest)))
      throw deviceError(
        'BAD_OPTIONS',
        `adaptation.probes: ${JSON.stringify(label)} is no label of the bundle.`,
      )
    let input = new Float32Array(shape.count)
    if (frame instanceof Float32Array) input = frame.slice()
    else normaliser.into(await images.toRgb(frame, shape), input)
    made.push({ input, label: number })
  }
  return new ProbeSet(made, probes.drop)
}

function keyOf(text: string) {
  try {
    return readPublicKey(text)
  } catch (error) {
    throw deviceError('BAD_OPTIONS', 'adaptation.patchKey is no Ed25519 public key.', error)
  }
}

const selectorOf = (selector: AdaptationOptions['selector'], classes: number): UploadSelector =>
  typeof selector === 'string' ? selectorNamed(selector, classes) : selector

const classesOf = ({ output }: Manifest): number =>
  Math.max(
    2,
    output.dims.reduce((product, dim) => product * dim, 1),
  )
