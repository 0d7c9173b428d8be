import { describe, expect, it } from 'vitest'
import { RetainedMessages } from './retained-messages.ts'

const at = (device: string, verb: string) => `isthmus/1/yard/${device}/${verb}`
const bytes = Uint8Array.of(1)
const none = new Uint8Array(0)

describe('retained messages', () => {
  const start = (capacity: number) => {
    const retained = new RetainedMessages(capacity)
    const set = (device: string, verb: string, payload = bytes) => retained.keep(at(device, verb), payload, 1)
    const topics = (filter: string) => retained.matching(filter).map(({ topic }) => topic)
    return { retained, set, topics }
  }

  it('are found by topic, and all of one device by its wildcards', () => {
    const { set, topics } = start(9)
    set('a', 'birth')
    set('a', 'state')
    set('b', 'birth')
    expect(topics(at('a', 'birth'))).toEqual([at('a', 'birth')])
    expect(topics(at('a', '#'))).toEqual([at('a', 'birth'), at('a', 'state')])
    expect(topics(at('a', '+'))).toEqual(topics(at('a', '#')))
    expect(topics(at('a', 'reply'))).toEqual([])
    expect(topics(at('c', '#'))).toEqual([])
  })

  it('give way, those of the device first that set none for longest; never those of the server', () => {
    const { set, topics } = start(2)
    set('edge', 'birth')
    set('a', 'birth')
    set('b', 'birth')
    set('a', 'state')
    set('c', 'birth')
    set('d', 'birth')
    expect(['a', 'b', 'c', 'd', 'edge'].filter((device) => topics(at(device, '#')).length > 0)).toEqual([
      'c',
      'd',
      'edge',
    ])
  })

  it('of the servers, patches among them, stay as well, each found at its own topic', () => {
    const { set, topics } = start(1)
    set('edge-deadbeef', 'patch')
    set('edge', 'birth')
    set('a', 'birth')
    set('b', 'birth')
    expect(topics(at('edge-deadbeef', 'patch'))).toEqual([at('edge-deadbeef', 'patch')])
    expect(topics(at('edge', '#'))).toEqual([at('edge', 'birth')])
    expect(topics(at('edge-0badcafe', 'patch'))).toEqual([])
  })

  it('of a device that has cleared what it had set count no more', () => {
    const { set, topics } = start(1)
    set('a', 'birth')
    set('b', 'birth', none)
    expect(topics(at('a', 'birth'))).toHaveLength(1)
    set('a', 'birth', none)
    expect(topics(at('a', 'birth'))).toEqual([])
  })

  it('hold on to nothing but their own bytes', () => {
    const { retained, set } = start(1)
    const read = new Uint8Array(65_536)
    set('a', 'birth', read.subarray(100, 130))
    read.fill(7)
    const { payload } = retained.matching(at('a', 'birth'))[0]!
    expect(payload.buffer.byteLength).toBe(30)
    expect(payload.every((byte) => byte === 0)).toBe(true)
  })
})
