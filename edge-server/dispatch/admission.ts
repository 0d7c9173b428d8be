import {
  deviceMayPublish,
  type Envelope,
  type InferRequest,
  parseTopic,
  type StagesRequest,
  type Verb,
} from '@isthmus/proto'
import type { Catalog, Offer, Refusal } from './catalog.ts'
import type { StageCatalog, StagesOffer } from './stage-catalog.ts'

/** What admission looks at: the request, and the state of the server at that instant. */
export interface AdmissionView {
  readonly site: string
  readonly device: string
  readonly envelope: Envelope
  readonly request: InferRequest | StagesRequest
  readonly payloadBytes: number
  /** Whether this id has been seen in this boot of the device. */
  readonly replayed: boolean
  readonly nowMs: number
  readonly deadlineMs: number
  readonly draining: boolean
  /** Requests of this device in the server, and how many it may have. */
  readonly outstanding: number
  readonly credits: number
  readonly queueFull: boolean
  /** Whether there is a tail for the head that the request names. */
  readonly hasTail: boolean
  readonly catalog: Catalog
  readonly pipelines: StageCatalog
}

/**
 * Whether a request is let in: the offer that will compute it, or the first reason against it. Reasons that hold
 * whatever the load come before those that pass with time.
 */
export function admit(view: AdmissionView): Offer | StagesOffer | Refusal {
  const { request, payloadBytes } = view
  if (!mayAnswerAt(view.site, view.device, view.envelope.replyTopic)) {
    return { code: 'NOT_ALLOWED', detail: `Answers to ${view.device} do not go to the reply topic it names` }
  }
  if (view.replayed) return { code: 'REPLAYED', detail: `Request ${view.envelope.id} has been here before` }
  if (view.draining) return { code: 'DRAINING', detail: '' }
  const offer =
    request.kind === 'stages' ? view.pipelines.find(request, payloadBytes) : offerFor(request, view)
  if ('code' in offer) return offer
  if (view.deadlineMs <= view.nowMs) return { code: 'EXPIRED', detail: 'The deadline had passed on arrival' }
  if (view.outstanding >= view.credits) {
    return {
      code: 'OVER_CREDIT',
      detail: `${view.outstanding} requests are outstanding, ${view.credits} are granted`,
    }
  }
  if (view.queueFull) return { code: 'QUEUE_FULL', detail: '' }
  return offer
}

function offerFor(request: InferRequest, { payloadBytes, catalog, hasTail }: AdmissionView): Offer | Refusal {
  const offer = catalog.find(request.bundle, request.mode, request.route)
  if ('code' in offer) return offer
  const { limits } = offer
  if (limits && (payloadBytes < limits.least || payloadBytes > limits.most)) {
    const range = limits.least === limits.most ? `${limits.most}` : `${limits.least} to ${limits.most}`
    const detail = `Mode ${request.mode} takes ${range} payload bytes, not ${payloadBytes}`
    return { code: 'BAD_SHAPE', detail }
  }
  if (payloadBytes === 0) return { code: 'BAD_PAYLOAD', detail: 'The request has no payload' }
  const fits = offer.route === 'split' ? hasTail : request.patch === 0
  if (!fits)
    return { code: 'PATCH_MISMATCH', detail: `There is no tail for version ${request.patch} of the head` }
  const stranger = request.decoders.find((id) => !offer.decoders.has(id))
  if (stranger !== undefined) {
    return { code: 'UNKNOWN_DECODER', detail: `Mode ${request.mode} has no decoder ${stranger} behind it` }
  }
  return rangeMisfit(offer, request) ?? offer
}

/** What servers listen to below a device's id. */
const heardHere: ReadonlySet<Verb> = new Set(['infer', 'birth', 'state', 'sample', 'bid'])

/** Answers go only below the asker's own id, and not to a topic that the server itself listens to. */
export function mayAnswerAt(site: string, device: string, replyTopic: string): boolean {
  if (replyTopic === '') return true
  const verb = parseTopic(replyTopic)?.verb
  return verb !== undefined && !heardHere.has(verb) && deviceMayPublish(site, device, replyTopic)
}

function rangeMisfit(offer: Offer, { scale, zeroPoint }: InferRequest): Refusal | undefined {
  if (!offer.needsRange) return undefined
  if (scale === undefined || zeroPoint === undefined) {
    return {
      code: 'BAD_PAYLOAD',
      detail: `Mode ${offer.mode} needs the scale and zero point of its quantiser`,
    }
  }
  if (!Number.isFinite(scale)) return { code: 'NOT_FINITE', detail: `The scale is ${scale}` }
  if (scale <= 0) return { code: 'BAD_PAYLOAD', detail: `The scale is ${scale}, not above 0` }
  return undefined
}
