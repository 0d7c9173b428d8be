import type { Client } from 'aedes'
import { describe, expect, it } from 'vitest'
import type { ConnectionGuard } from './connection-guard.ts'
import { DirectLanes } from './direct-lanes.ts'
import { plainPublish } from './publish-packet.ts'

const at = (device: string, verb: string) => `isthmus/1/yard/${device}/${verb}`
const publish = (topic: string) => plainPublish(Buffer.from(topic), Buffer.of(7))

function device(lanes: DirectLanes, id: string) {
  const client = { id, closed: false } as Client
  const sent: Buffer[] = []
  const guard = { send: (packet: Buffer) => sent.push(packet) } as unknown as ConnectionGuard
  const subscribe = (...filters: string[]) => lanes.subscribed(client, guard, filters)
  const requestTo = (topic: string) => lanes.request(client, publish(topic))
  return { client, sent, subscribe, requestTo }
}

describe('the short way between server and device', () => {
  it('is there once the device reads its replies, for its own requests and replies only', () => {
    const lanes = new DirectLanes('yard')
    const cam = device(lanes, 'cam')
    expect(cam.requestTo(at('cam', 'infer'))).toBe(undefined)
    expect(lanes.reply(at('cam', 'reply'), Buffer.of(1))).toBe(false)

    cam.subscribe(at('edge', 'state'))
    expect(cam.requestTo(at('cam', 'infer'))).toBe(undefined)

    cam.subscribe(at('cam', 'reply'))
    expect(cam.requestTo(at('cam', 'infer'))).toEqual({ topic: at('cam', 'infer'), payload: Buffer.of(7) })
    for (const other of [at('cam', 'state'), at('other', 'infer'), 'isthmus/1/dock/cam/infer', '']) {
      expect(cam.requestTo(other)).toBe(undefined)
    }
    expect(lanes.reply(at('cam', 'reply'), Buffer.of(7))).toBe(true)
    expect(cam.sent).toEqual([publish(at('cam', 'reply'))])
    expect(lanes.reply(at('other', 'reply'), Buffer.of(7))).toBe(false)
  })

  it.each(['infer', '#', '+'])('leaves requests to the broker for a device that reads its own %s', (word) => {
    const lanes = new DirectLanes('yard')
    const cam = device(lanes, 'cam')
    cam.subscribe(at('cam', word))
    cam.subscribe(at('cam', 'reply'))
    expect(cam.requestTo(at('cam', 'infer'))).toBe(undefined)
    expect(lanes.reply(at('cam', 'reply'), Buffer.of(7))).toBe(true)
  })

  it('ends when the device unsubscribes from its replies or leaves', () => {
    const lanes = new DirectLanes('yard')
    const cam = device(lanes, 'cam')
    for (const end of [
      () => lanes.unsubscribed(cam.client, [at('cam', 'reply')]),
      () => lanes.left(cam.client),
    ]) {
      cam.subscribe(at('cam', 'reply'))
      expect(cam.requestTo(at('cam', 'infer'))).toBeDefined()
      end()
      expect(cam.requestTo(at('cam', 'infer'))).toBe(undefined)
      expect(lanes.reply(at('cam', 'reply'), Buffer.of(7))).toBe(false)
    }
  })

  it('is not opened for a device that has left before the broker says that it subscribed', () => {
    const lanes = new DirectLanes('yard')
    const cam = device(lanes, 'cam')
    cam.client.closed = true
    lanes.left(cam.client)
    cam.subscribe(at('cam', 'reply'))
    expect(lanes.reply(at('cam', 'reply'), Buffer.of(7))).toBe(false)
  })

  it('stays with the connection that took over, when the one before it ends late', () => {
    const lanes = new DirectLanes('yard')
    const first = device(lanes, 'cam')
    const second = device(lanes, 'cam')
    first.subscribe(at('cam', 'reply'))
    second.subscribe(at('cam', 'reply'))
    lanes.left(first.client)
    expect(lanes.reply(at('cam', 'reply'), Buffer.of(7))).toBe(true)
    expect(second.sent).toHaveLength(1)
    expect(first.sent).toHaveLength(0)
  })
})
