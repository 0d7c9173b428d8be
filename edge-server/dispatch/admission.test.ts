import type { Envelope, InferRequest } from '@isthmus/proto'
import { describe, expect, it } from 'vitest'
import { type AdmissionView, admit, mayAnswerAt } from './admission.ts'
import { bundleOf, manifest } from './bundle.test.support.ts'
import { Catalog } from './catalog.ts'
import { StageCatalog } from './stage-catalog.ts'

const catalog = new Catalog([bundleOf()])
const envelope: Envelope = {
  schema: 1,
  id: 9,
  boot: 1,
  sequence: 1,
  budgetUs: 0,
  sentUs: 0,
  receiverUs: undefined,
  replyTopic: '',
  server: undefined,
}
const decoder = { file: 'x.onnx', sha256: '0'.repeat(64), bytes: 1, macs: 1, params: 1 }
const withDecoder = new Catalog([
  bundleOf({
    tasks: [{ name: 'coat', labels: ['a'], decoders: [{ ...decoder, id: 4, width: 1, accuracy: 1 }] }],
  }),
])
const request: InferRequest = {
  kind: 'infer',
  bundle: 77,
  mode: 1,
  route: 'split',
  scale: undefined,
  zeroPoint: undefined,
  patch: 0,
  patchEpoch: 0,
  decoders: [],
}
const view: AdmissionView = {
  site: 'yard',
  device: 'cam',
  envelope,
  request,
  payloadBytes: 4,
  replayed: false,
  nowMs: 100,
  deadlineMs: 200,
  draining: false,
  outstanding: 0,
  credits: 2,
  queueFull: false,
  hasTail: true,
  catalog,
  pipelines: new StageCatalog(),
}
const verdict = (changes: Partial<AdmissionView>, asked: Partial<InferRequest> = {}) => {
  const result = admit({ ...view, ...changes, request: { ...request, ...asked } })
  return 'code' in result ? result.code : 'admitted'
}

describe('admission', () => {
  it('lets in what can be computed in time', () => {
    expect(verdict({})).toBe('admitted')
    expect(verdict({ payloadBytes: 2 }, { mode: 2, scale: 0.5, zeroPoint: 3 })).toBe('admitted')
    expect(verdict({ payloadBytes: 12 }, { mode: 3, route: 'edge' })).toBe('admitted')
    expect(verdict({ payloadBytes: 99 }, { mode: 4, route: 'edge' })).toBe('admitted')
    expect(verdict({ payloadBytes: 8 }, { mode: 6 })).toBe('admitted')
    expect(verdict({ payloadBytes: 3 }, { mode: 7 })).toBe('admitted')
  })

  it.each([
    ['EXPIRED', { deadlineMs: 100 }, {}],
    ['OVER_CREDIT', { outstanding: 2 }, {}],
    ['QUEUE_FULL', { queueFull: true }, {}],
    ['DRAINING', { draining: true }, {}],
    ['REPLAYED', { replayed: true }, {}],
    ['UNKNOWN_BUNDLE', {}, { bundle: 78 }],
    ['UNKNOWN_MODE', {}, { mode: 99 }],
    ['ROUTE_NOT_OFFERED', {}, { route: 'edge' }],
    ['ROUTE_NOT_OFFERED', {}, { mode: 5, route: 'local' }],
    ['ROUTE_NOT_OFFERED', {}, { mode: 5, route: 'split' }],
    ['BAD_SHAPE', { payloadBytes: 5 }, {}],
    ['BAD_SHAPE', { payloadBytes: 0 }, {}],
    ['BAD_SHAPE', { payloadBytes: 11 }, { mode: 3, route: 'edge' }],
    ['BAD_SHAPE', { payloadBytes: 4 }, { mode: 7 }],
    ['BAD_SHAPE', { payloadBytes: 2 }, { mode: 7 }],
    ['BAD_PAYLOAD', { payloadBytes: 0 }, { mode: 4, route: 'edge' }],
    ['PATCH_MISMATCH', { payloadBytes: 2, hasTail: false }, { mode: 2, scale: 1, zeroPoint: 0, patch: 3 }],
    ['UNKNOWN_DECODER', {}, { decoders: [4] as number[] }],
    ['UNKNOWN_DECODER', { catalog: withDecoder }, { decoders: [4, 5] as number[] }],
    [
      'UNKNOWN_DECODER',
      { catalog: withDecoder, payloadBytes: 12 },
      { mode: 3, route: 'edge', decoders: [4] as number[] },
    ],
    ['BAD_PAYLOAD', { payloadBytes: 2 }, { mode: 2 }],
    ['BAD_PAYLOAD', { payloadBytes: 2 }, { mode: 2, scale: 0, zeroPoint: 0 }],
    ['NOT_FINITE', { payloadBytes: 2 }, { mode: 2, scale: Number.NaN, zeroPoint: 0 }],
    ['NOT_ALLOWED', { envelope: { ...envelope, replyTopic: 'isthmus/1/yard/other/reply' } }, {}],
  ] as const)('answers %s', (code, changes, asked) => {
    expect(verdict(changes, asked)).toBe(code)
  })

  it('lets in what names decoders of the bundle', () => {
    expect(verdict({ catalog: withDecoder }, { decoders: [4] })).toBe('admitted')
  })

  it('names the lasting reason before the passing one', () => {
    const busy = { deadlineMs: 0, outstanding: 9, queueFull: true }
    expect(verdict({ ...busy }, { bundle: 1 })).toBe('UNKNOWN_BUNDLE')
    expect(verdict(busy)).toBe('EXPIRED')
  })

  it('offers no route whose model the bundle does not hold', () => {
    const { tail, full } = manifest.models
    const tailOnly = new Catalog([bundleOf({ models: tail ? { tail } : {} })])
    const fullOnly = new Catalog([bundleOf({ models: full ? { full } : {} })])
    expect(verdict({ catalog: tailOnly, payloadBytes: 12 }, { mode: 3, route: 'edge' })).toBe(
      'ROUTE_NOT_OFFERED',
    )
    expect(verdict({ catalog: fullOnly })).toBe('ROUTE_NOT_OFFERED')
  })
})

describe('where an answer may go', () => {
  it.each([
    ['', true],
    ['isthmus/1/yard/cam/reply', true],
    ['isthmus/1/yard/cam/tell', true],
    ['isthmus/1/yard/cam/sample', false],
    ['isthmus/1/yard/cam/bid', false],
    ['isthmus/1/yard/cam/award', false],
    ['isthmus/1/yard/cam/infer', false],
    ['isthmus/1/yard/cam/state', false],
    ['isthmus/1/yard/other/reply', false],
    ['isthmus/1/elsewhere/cam/reply', false],
    ['isthmus/1/yard/edge/state', false],
    ['anything', false],
  ])('"%s": %s', (topic, allowed) => {
    expect(mayAnswerAt('yard', 'cam', topic)).toBe(allowed)
  })
})
