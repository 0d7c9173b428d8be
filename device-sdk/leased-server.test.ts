import { type BodyFields, decodeMessage, encodeMessage, topic, wireErrors } from '@isthmus/proto'
import { expect, test } from 'vitest'
import type { Bidder, HeldLease } from './market/bidder.ts'
import { ServerLink } from './server-link.ts'
import type { Transport, TransportHandlers } from './transport.ts'
import { BUNDLE_KEY, modes, VirtualClock } from './world.test.kit.ts'

/** A link to a site where servers are leased, and what it sends to them. */
function leasing() {
  const market: { lease: HeldLease | undefined } = { lease: undefined }
  const quiet = { filters: [], onMessage: () => false, onOnline() {}, onOffline() {}, tick() {}, close() {} }
  const sent: Uint8Array[] = []
  let broker!: TransportHandlers
  const transport: Transport = {
    start: (handlers) => {
      broker = handlers
    },
    subscribe: () => {},
    publish: (name, packet) => {
      if (name.endsWith('/infer')) sent.push(packet)
      return true
    },
    close: async () => {},
  }
  const link = new ServerLink(transport, new VirtualClock(), {
    ...{ site: 'test', id: 'cam-1', boot: 9, software: 'test', credits: 4 },
    offer: { kind: 'bundle', name: 'tiny', version: '1.0.0', key: BUNDLE_KEY },
    probe: { intervalMs: 0, largeBytes: 1024 },
    market: Object.assign(market, quiet) as unknown as Bidder,
  })
  link.start()
  broker.onOnline()
  const say = (name: string, body: BodyFields, id = 0) =>
    broker.onMessage(name, encodeMessage({ envelope: { id, boot: 5 }, body }))
  const bundles = [{ name: 'tiny', version: '1.0.0', key: BUNDLE_KEY }]
  say(topic('test', 'edge', 'birth'), { kind: 'birth', software: 'test', bundles, epoch: 7 })
  say(topic('test', 'edge', 'state'), { kind: 'state', presence: 'online' })
  const refuse = (code: keyof typeof wireErrors) => {
    const { envelope } = decodeMessage(sent.at(-1)!)
    const error = {
      kind: 'error',
      code: wireErrors[code].number,
      detail: '',
      echoUs: envelope.sentUs,
    } as const
    say(topic('test', 'cam-1', 'reply'), error, envelope.id)
  }
  return { link, market, refuse }
}

test('what the server of a lease will never take is for the next one to say', () => {
  const { link, market, refuse } = leasing()
  market.lease = { server: 'edge-b', bid: 1, payment: 0, credits: 4, expiresMs: 1e6 }
  link.tick()
  const question = {
    mode: modes.split,
    route: 'split',
    payload: Uint8Array.of(1),
    deadlineAtMs: 5000,
  } as const
  expect(link.refusal(modes.split)).toBeUndefined()
  link.ask(question, { onReply: () => {}, onFailure: () => {} })
  refuse('UNKNOWN_BUNDLE')
  link.tick()
  expect(link.refusal(modes.split)).toBe('MODE_REFUSED')
  market.lease = undefined
  link.tick()
  expect(link.refusal(modes.split)).toBeUndefined()
})
