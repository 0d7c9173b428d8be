import { describe, expect, it } from 'vitest'
import { LinkEstimator } from './link-estimator.ts'
import { OwnQueue } from './own-queue.ts'

const RTT_MS = 40

/** A link of one line: messages leave one after the other, and are answered after the round trip. */
function play(messages: readonly { sentMs: number; bytes: number }[], rateAt: (ms: number) => number) {
  let freeMs = 0
  return messages.map(({ sentMs, bytes }, id) => {
    const beginMs = Math.max(sentMs, freeMs)
    freeMs = beginMs + (8000 * bytes) / rateAt(beginMs)
    return { id, sentMs, bytes, arrivalMs: freeMs + RTT_MS }
  })
}

/** Everything that happens, in the order of time. */
function measure(exchanges: ReturnType<typeof play>) {
  const queue = new OwnQueue()
  const estimator = new LinkEstimator()
  const samples: { nowMs: number; rateBps: number | undefined; elapsedMs: number }[] = []
  const events = exchanges.flatMap((exchange) => [
    { atMs: exchange.sentMs, exchange, isAnswer: false },
    { atMs: exchange.arrivalMs, exchange, isAnswer: true },
  ])
  for (const { atMs, exchange, isAnswer } of events.sort((a, b) => a.atMs - b.atMs)) {
    const { id, sentMs, bytes } = exchange
    if (!isAnswer) {
      queue.send(id, sentMs, bytes)
      continue
    }
    const roundTripMs = estimator.estimate(atMs)?.rttMs ?? RTT_MS
    const elapsedMs = queue.alone(id, sentMs, atMs - sentMs, roundTripMs)
    estimator.add({ nowMs: atMs, bytes, elapsedMs, id })
    samples.push({ nowMs: atMs, rateBps: estimator.estimate(atMs)?.rateBps, elapsedMs })
  }
  return samples
}

const stream = (count: number, everyMs: number, bytes: (at: number) => number) =>
  Array.from({ length: count }, (_, at) => ({ sentMs: at * everyMs, bytes: bytes(at) }))

describe('the own queue', () => {
  it('sees the true rate of a link that is sent twice what it carries', () => {
    const rateBps = 200_000
    const samples = measure(
      play(
        stream(80, 60, (at) => (at % 8 === 0 ? 100 : 3000)),
        () => rateBps,
      ),
    )
    for (const { rateBps: seen } of samples.slice(10)) expect(seen! / rateBps).toBeCloseTo(1, 1)
  })

  it('follows a link that becomes five times slower under a stream it used to carry', () => {
    const samples = measure(
      play(
        stream(120, 60, (at) => (at % 8 === 0 ? 100 : 3000)),
        (ms) => (ms < 3000 ? 1e6 : 2e5),
      ),
    )
    const last = samples.at(-1)!
    expect(last.rateBps! / 2e5).toBeCloseTo(1, 1)
  })

  it('leaves a message that had the link for itself as it is', () => {
    const samples = measure(
      play(
        stream(10, 1000, () => 500),
        () => 100_000,
      ),
    )
    for (const { elapsedMs } of samples) expect(elapsedMs).toBeCloseTo(RTT_MS + 40, 6)
  })

  it('foresees how long the next message waits', () => {
    const queue = new OwnQueue()
    const link = { rateBps: 80_000, rttMs: RTT_MS, spreadMs: 0 }
    expect(queue.waitMs(0, link)).toBe(0)
    for (let id = 0; id < 3; id++) queue.send(id, 0, 1000)
    expect(queue.waitMs(0, link)).toBeCloseTo(300)
    expect(queue.waitMs(250, link)).toBeCloseTo(50)
    expect(queue.waitMs(400, link)).toBe(0)
    queue.alone(0, 0, 140, RTT_MS)
    expect(queue.waitMs(140, link)).toBeCloseTo(160)
  })

  it('knows which message had nothing before it, and forgets all with the connection', () => {
    const queue = new OwnQueue()
    queue.send(1, 0, 100)
    queue.send(2, 1, 100)
    expect([queue.aloneSince(1, 45, RTT_MS), queue.aloneSince(2, 45, RTT_MS)]).toEqual([45, undefined])
    queue.alone(1, 0, 50, RTT_MS)
    expect(queue.aloneSince(2, 60, RTT_MS)).toBe(50)
    queue.clear()
    expect(queue.aloneSince(2, 60, RTT_MS)).toBeUndefined()
  })

  it('takes an answer that overtook another one as it is', () => {
    const queue = new OwnQueue()
    queue.send(1, 0, 100)
    queue.send(2, 10, 100)
    expect(queue.alone(2, 10, 50, RTT_MS)).toBe(50)
    expect(queue.alone(1, 0, 55, RTT_MS)).toBe(55)
  })
})
