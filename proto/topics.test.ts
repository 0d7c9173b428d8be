import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  deviceMayPublish,
  deviceMaySubscribe,
  EDGE_ID,
  familyKey,
  isDeviceId,
  isServerId,
  parseTopic,
  patchTopic,
  tellsOf,
  topic,
  type Verb,
  verbs,
} from './topics.ts'

const id = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/)

describe('a topic', () => {
  it('holds site, device and verb, and gives them back', () => {
    expect(topic('home', 'cam-17', 'infer')).toBe('isthmus/1/home/cam-17/infer')
    fc.assert(
      fc.property(id, id, fc.constantFrom(...verbs), (site, device, verb) => {
        expect(parseTopic(topic(site, device, verb))).toEqual({ site, device, verb })
      }),
    )
  })

  it.each(['', 'a/b', '+', '#', 'ä', 'a b', 'a\n', 'x'.repeat(65)])('cannot be made of the id %j', (bad) => {
    const error = expect.objectContaining({ name: 'IsthmusError', code: 'BAD_ID' })
    expect(() => topic(bad, 'cam', 'infer')).toThrow(error)
    expect(() => topic('home', bad, 'infer')).toThrow(error)
  })

  it.each([
    'isthmus/1/home/cam',
    'isthmus/1/home/cam/infer/',
    'isthmus/1/home/cam/infer/x',
    'isthmus/2/home/cam/infer',
    'isthmus/1/home/cam/unknown',
    'isthmus/1/home/+/infer',
    'isthmus/1/home/cam/#',
    '/isthmus/1/home/cam/infer',
    'isthmus/1/home/cam/infer\n',
    '$share/g/isthmus/1/home/cam/infer',
    '',
  ])('is not %j', (other) => {
    expect(parseTopic(other)).toBeUndefined()
  })
})

describe('a device', () => {
  it('may write below its own id and nowhere else, and nothing that only servers say', () => {
    const serverVerbs: readonly Verb[] = [
      ...(['award', 'patch', 'capacity', 'claim', 'beat', 'grant', 'memory'] as const),
    ]
    for (const verb of verbs) {
      expect(deviceMayPublish('home', 'cam', topic('home', 'cam', verb)), verb).toBe(
        !serverVerbs.includes(verb),
      )
    }
    for (const other of [
      topic('home', 'cam2', 'bid'),
      patchTopic('home', 'deadbeef00'),
      topic('home', EDGE_ID, 'claim'),
      topic('home', 'edge-b', 'grant'),
      topic('home', 'cam2', 'infer'),
      topic('home', 'cam2', 'tell'),
      topic('away', 'cam', 'infer'),
      topic('home', EDGE_ID, 'state'),
      'isthmus/1/home/cam/unknown',
      'isthmus/1/home/cam/infer/deeper',
      '$SYS/uptime',
      '#',
    ]) {
      expect(deviceMayPublish('home', 'cam', other)).toBe(false)
    }
  })

  it("may read below its own id, the server's birth and state, what others tell, patches, and nothing else", () => {
    for (const filter of [
      ...verbs.map((verb) => topic('home', 'cam', verb)),
      'isthmus/1/home/cam/+',
      'isthmus/1/home/cam/#',
      topic('home', EDGE_ID, 'birth'),
      topic('home', EDGE_ID, 'state'),
      topic('home', EDGE_ID, 'claim'),
      topic('home', 'cam2', 'tell'),
      patchTopic('home', 'deadbeef00'),
      tellsOf('home'),
    ]) {
      expect(deviceMaySubscribe('home', 'cam', filter), filter).toBe(true)
    }
    for (const filter of [
      '#',
      'isthmus/#',
      'isthmus/1/home/+/reply',
      tellsOf('away'),
      'isthmus/1/+/+/tell',
      'isthmus/1/home/edge/tell',
      topic('away', 'cam2', 'tell'),
      'isthmus/1/+/cam/reply',
      'isthmus/1/home/+/+',
      'isthmus/1/home/edge/#',
      'isthmus/1/home/edge/+',
      'isthmus/1/home/edge/infer',
      'isthmus/1/away/edge/state',
      'isthmus/1/home/cam2/reply',
      'isthmus/1/home/cam2/bid',
      'isthmus/1/home/+/bid',
      'isthmus/1/home/+/award',
      'isthmus/1/home/edge/grant',
      'isthmus/1/home/edge/patch',
      'isthmus/1/home/edge-DEADBEEF/patch',
      'isthmus/1/home/edge-deadbeef/sample',
      'isthmus/1/home/cam2/patch',
      'isthmus/1/home/+/patch',
      patchTopic('away', 'deadbeef00'),
      'isthmus/1/home/edge-b/capacity',
      '$share/g/isthmus/1/home/cam/infer',
      '$SYS/#',
    ]) {
      expect(deviceMaySubscribe('home', 'cam', filter), filter).toBe(false)
    }
  })

  it('finds the patches of its family by the start of the hash, and names the family by the same four bytes', () => {
    expect(patchTopic('home', 'deadbeef00')).toBe('isthmus/1/home/edge-deadbeef/patch')
    expect(familyKey('deadbeef00')).toBe(0xefbeadde)
    const error = expect.objectContaining({ name: 'IsthmusError', code: 'BAD_ID' })
    for (const family of ['', 'deadbee', '+', 'xyzxyzxyz']) {
      expect(() => patchTopic('home', family)).toThrow(error)
    }
  })

  it("may not bear a server's id", () => {
    for (const reserved of ['edge', 'edge-2', '', 'a/b', '+']) {
      expect(isDeviceId(reserved)).toBe(false)
      expect(deviceMayPublish('home', reserved, `isthmus/1/home/${reserved}/state`)).toBe(false)
      expect(deviceMaySubscribe('home', reserved, `isthmus/1/home/${reserved}/#`)).toBe(false)
    }
    expect(isDeviceId('edgecam')).toBe(true)
    expect(['edge', 'edge-2', 'edgecam', 'edge-/', ''].map(isServerId)).toEqual([
      true,
      true,
      false,
      false,
      false,
    ])
  })
})
