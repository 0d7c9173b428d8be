import { Duplex } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ConnectionGuard, type GuardOptions } from './connection-guard.ts'
import { plainPublish } from './publish-packet.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

const packet = (mark: number) => plainPublish(Buffer.from('t'), Buffer.of(mark))
const settled = () => new Promise((resolve) => setImmediate(resolve))

/** A guard whose broker notes the marks of what it reads, and whose express way those that it takes. */
function guarded(options: Partial<GuardOptions> = {}, keepaliveS = 1) {
  const brokered: number[] = []
  const express: number[] = []
  const peer = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() })
  const guard = new ConnectionGuard(peer, {
    maxPacketBytes: 1000,
    maxUnreadBytes: 1000,
    packetsPerSecond: 1000,
    onCut: () => {},
    express: (bytes) => {
      express.push(bytes.at(-1)!)
      return true
    },
    ...options,
  })
  guard.on('error', () => {})
  guard.keepsAlive(keepaliveS)
  guard.on('readable', () => {
    const bytes = guard.read() as Buffer | null
    if (bytes) brokered.push(bytes.at(-1)!)
  })
  const send = async (...chunks: Buffer[]) => {
    for (const chunk of chunks) {
      peer.push(chunk)
      await settled()
    }
  }
  return { brokered, express, guard, send }
}

describe('the express way past the broker', () => {
  it('is for a peer that sends often; the broker sees a packet of it before it would take it for dead', async () => {
    const { brokered, express, send } = guarded({}, 2)
    for (let mark = 0; mark < 12; mark++) {
      await send(packet(mark))
      vi.advanceTimersByTime(200)
    }
    expect(brokered).toEqual([0, 4, 8])
    expect(express).toEqual([1, 2, 3, 5, 6, 7, 9, 10, 11])
  })

  it('is for all of a peer that need not prove that it lives', async () => {
    const { brokered, send } = guarded({}, 0)
    for (let mark = 0; mark < 3; mark++) {
      await send(packet(mark))
      vi.advanceTimersByTime(3_600_000)
    }
    expect(brokered).toEqual([0])
  })

  it('is not for a packet in two chunks, nor for the one whose start came behind another', async () => {
    const { brokered, express, send } = guarded()
    const [head, rest] = [packet(1).subarray(0, 3), packet(1).subarray(3)]
    await send(packet(0), head, rest, Buffer.concat([packet(2), head]), rest, packet(3))
    expect(brokered).toEqual([0, head.at(-1), 1, head.at(-1), 1])
    expect(express).toEqual([3])
  })

  it('does not overtake what the broker has not read', async () => {
    const { express, guard, send } = guarded()
    guard.removeAllListeners('readable')
    await send(packet(0), packet(1), packet(2))
    expect(express).toEqual([])
    const read = guard.read() as Buffer
    expect(read.equals(Buffer.concat([packet(0), packet(1), packet(2)]))).toBe(true)
  })

  it('leaves to the broker what it does not take', async () => {
    const { brokered, send } = guarded({ express: () => false })
    await send(packet(0), packet(1), packet(2))
    expect(brokered).toEqual([0, 1, 2])
  })

  it('is no way around the limits', async () => {
    const cuts: string[] = []
    const { express, guard, send } = guarded({ maxPacketBytes: 4, onCut: (reason) => cuts.push(reason) })
    await send(packet(0), packet(1), plainPublish(Buffer.from('t'), Buffer.alloc(2)))
    expect(express).toEqual([1])
    expect(cuts).toEqual(['too-large'])
    expect(guard.destroyed).toBe(true)
  })
})

describe('a packet that is sent at once', () => {
  it('cuts off a peer that does not read', async () => {
    const cuts: string[] = []
    const stuck = new Duplex({ read() {}, write: () => {} })
    const guard = new ConnectionGuard(stuck, {
      maxPacketBytes: 1000,
      maxUnreadBytes: 1000,
      packetsPerSecond: 1000,
      onCut: (reason) => cuts.push(reason),
    })
    guard.on('error', () => {})
    for (let n = 0; n < 5; n++) guard.send(Buffer.alloc(300))
    expect(cuts).toEqual(['slow-reader'])
    expect(guard.destroyed).toBe(true)
    guard.send(Buffer.alloc(300))
  })
})
