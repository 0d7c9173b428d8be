import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { encodeMessage, MAX_MESSAGE_BYTES } from '@isthmus/proto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { EdgeDaemon } from './edge-daemon.ts'
import { Mosquitto, mosquittoInstalled } from './mosquitto.ts'
import { Neighbour } from './neighbour.ts'
import { modes, type TinyBundle, writeTinyBundle } from './tiny-bundle.ts'
import { type Asked, latent, WireClient } from './wire-client.ts'

const MB = 2 ** 20
/** A latent of halves of which one is NaN. */
const notANumber = Uint8Array.from({ length: 16 }, (_, at) => (at === 1 ? 0x7e : 0))

interface Fault {
  readonly what: string
  readonly code: string
  readonly asked: (bundle: number) => Asked
}

/** Requests that can be read, and are wrong. */
const faults: readonly Fault[] = [
  {
    what: 'a wrong bundle',
    code: 'UNKNOWN_BUNDLE',
    asked: (key) => ({ request: { bundle: (key ^ 1) >>> 0 } }),
  },
  { what: 'a wrong mode', code: 'UNKNOWN_MODE', asked: () => ({ request: { mode: 99 } }) },
  { what: 'a local mode', code: 'ROUTE_NOT_OFFERED', asked: () => ({ request: { mode: modes.local } }) },
  { what: 'the wrong route', code: 'ROUTE_NOT_OFFERED', asked: () => ({ request: { route: 'edge' } }) },
  { what: 'a payload too short', code: 'BAD_SHAPE', asked: () => ({ payload: latent.subarray(1) }) },
  { what: 'a payload too long', code: 'BAD_SHAPE', asked: () => ({ payload: new Uint8Array(100_000) }) },
  { what: 'no payload', code: 'BAD_SHAPE', asked: () => ({ payload: new Uint8Array(0) }) },
  {
    what: 'a decoder that the bundle does not have',
    code: 'UNKNOWN_DECODER',
    asked: () => ({ request: { decoders: [1, 77] } }),
  },
  {
    what: 'a decoder behind an image',
    code: 'UNKNOWN_DECODER',
    asked: () => ({
      payload: new Uint8Array(300),
      request: { mode: modes.image, route: 'edge', decoders: [1] },
    }),
  },
  {
    what: 'NaN in the latent',
    code: 'NOT_FINITE',
    asked: () => ({ payload: notANumber, request: { mode: modes.half } }),
  },
  {
    what: 'a latent whose result is NaN',
    code: 'TAIL_FAILED',
    asked: () => ({ payload: new Uint8Array(8) }),
  },
  {
    what: 'an image that is none',
    code: 'BAD_PAYLOAD',
    asked: () => ({ payload: new Uint8Array(300), request: { mode: modes.image, route: 'edge' } }),
  },
  {
    what: 'a reply topic of another device',
    code: 'NOT_ALLOWED',
    asked: () => ({ envelope: { replyTopic: 'isthmus/1/default/neighbour/reply' } }),
  },
  {
    what: 'a deadline that had passed when it was sent',
    code: 'EXPIRED',
    asked: () => ({ envelope: { budgetUs: 1 } }),
  },
]

/** Whole packets that are no messages, and what the server calls them. */
const garbage: readonly { what: string; code: string; spoil: (packet: Uint8Array) => Uint8Array }[] = [
  { what: 'nothing', code: 'BAD_MESSAGE', spoil: () => new Uint8Array(0) },
  { what: 'text', code: 'BAD_MESSAGE', spoil: () => Buffer.from('{"temperature": 21.5}') },
  { what: 'zeros', code: 'BAD_MESSAGE', spoil: () => new Uint8Array(5000) },
  { what: 'a request cut short', code: 'BAD_MESSAGE', spoil: (packet) => packet.subarray(0, -6) },
  {
    what: 'a request with one bit flipped',
    code: 'BAD_CHECKSUM',
    spoil: (packet) => packet.map((byte, at) => (at === packet.length - 10 ? byte ^ 4 : byte)),
  },
  {
    what: 'a birth where a request belongs',
    code: 'BAD_MESSAGE',
    spoil: () => encodeMessage({ envelope: {}, body: { kind: 'birth', software: 'x' } }),
  },
]

describe.each([
  { broker: 'the broker inside', outside: false },
  { broker: 'Mosquitto', outside: true },
])('with $broker, bad input', ({ outside }) => {
  const test = it.skipIf(outside && !mosquittoInstalled)
  const inside = it.skipIf(outside)
  let tiny: TinyBundle
  let mosquitto: Mosquitto | undefined
  let edge: EdgeDaemon
  let port: number
  let neighbour: Neighbour
  let client: WireClient
  let clients = 0

  const newClient = (id = `cam-${++clients}`) => WireClient.connect(port, id, tiny.bundle.key)
  /** By how much a counter grows while something is done. */
  const growth = async (name: string, labels: Record<string, string>, act: () => Promise<unknown>) => {
    const before = await edge.metric(name, labels)
    await act()
    return (await edge.metric(name, labels)) - before
  }

  beforeAll(async () => {
    if (outside && !mosquittoInstalled) return
    tiny = await writeTinyBundle()
    mosquitto = outside ? await Mosquitto.start() : undefined
    const broker = mosquitto ? ['--broker', `mqtt://127.0.0.1:${mosquitto.port}`] : ['--mqtt-port', '0']
    edge = await EdgeDaemon.start(tiny.dir, broker)
    port = mosquitto?.port ?? edge.mqttPort
    neighbour = await Neighbour.start(port, tiny.bundle.key)
    client = await newClient()
  })

  afterEach(async () => {
    // Whatever happened: the server is up, and a device that comes now is served.
    if (outside && !mosquittoInstalled) return
    expect(await edge.healthy()).toBe(true)
    const fresh = await newClient()
    expect(await fresh.ask()).toHaveLength(4)
    await fresh.end()
  })

  afterAll(async () => {
    await client?.end()
    await edge?.kill()
    await mosquitto?.kill()
  })

  for (const { what, code, asked } of faults) {
    test(`${what} is answered ${code} and counted`, async () => {
      const grown = await growth('errors_total', { code }, async () => {
        expect(await client.ask(asked(tiny.bundle.key))).toBe(code)
      })
      expect(grown).toBe(1)
    })
  }

  for (const { what, code, spoil } of garbage) {
    test(`${what} as a request is answered ${code} and counted`, async () => {
      const sender = await newClient()
      const grown = await growth('garbage_total', { code }, async () => {
        await sender.publish('infer', spoil(sender.request().packet))
        expect(await sender.outcome(0)).toBe(code)
      })
      expect(grown).toBe(1)
      expect(await sender.ask()).toHaveLength(4)
      await sender.end()
    })
  }

  test('garbage as birth and state is answered and counted', async () => {
    const sender = await newClient()
    const grown = await growth('garbage_total', {}, async () => {
      for (const verb of ['birth', 'state'] as const) {
        await sender.publish(verb, Buffer.from('no message'))
        expect(await sender.outcome(0)).toBe('BAD_MESSAGE')
      }
    })
    expect(grown).toBe(2)
    await sender.end()
  })

  test('a request sent twice is answered once, and REPLAYED after that', async () => {
    const { id, packet } = client.request()
    const grown = await growth('errors_total', { code: 'REPLAYED' }, async () => {
      await client.publish('infer', packet)
      expect(await client.outcome(id)).toHaveLength(4)
      await client.publish('infer', packet)
      expect(await client.outcome(id)).toBe('REPLAYED')
    })
    expect(grown).toBe(1)
  })

  test('a clock that has jumped costs nothing', async () => {
    const hourUs = 3_600_000_000
    const times = { sentUs: hourUs, budgetUs: 2_000_000 }
    expect(await client.ask({ envelope: { ...times, receiverUs: hourUs } })).toHaveLength(4)
    expect(await client.ask({ envelope: { ...times, sentUs: 7 } })).toHaveLength(4)
    expect(await client.ask({ envelope: { ...times, receiverUs: hourUs / 2 } })).toHaveLength(4)
    // A boot counter that was taken from a clock goes back with it.
    expect(await client.ask({ envelope: { boot: 3 } })).toHaveLength(4)
    expect(await client.ask({ envelope: { boot: 2 } })).toHaveLength(4)
  })

  inside('a message of 10 MB ends the connection, and is counted', async () => {
    const sender = await newClient()
    const grown = await growth('broker_refusals_total', { reason: 'too-large' }, async () => {
      sender.publish('infer', new Uint8Array(10 * MB)).catch(() => {})
      await expect.poll(() => sender.losses).toBe(1)
    })
    expect(grown).toBe(1)
    await sender.end()
  })

  it.skipIf(!outside || !mosquittoInstalled)(
    'a message of 10 MB is answered TOO_LARGE, and counted',
    async () => {
      const sender = await newClient()
      const grown = await growth('garbage_total', { code: 'TOO_LARGE' }, async () => {
        await sender.publish('infer', new Uint8Array(10 * MB))
        expect(await sender.outcome(0)).toBe('TOO_LARGE')
      })
      expect(grown).toBe(1)
      await sender.end()
    },
  )

  inside.each([
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\nHost: edge\r\n\r\n')],
    ['TLS', Buffer.from('16030100f8010000f40303', 'hex')],
    ['noise', Buffer.alloc(MB, 0xff)],
    ['lengths without end', Buffer.alloc(6, 0x80)],
  ])('a connection that speaks %s is closed, and counted', async (_what, bytes) => {
    const grown = await growth('broker_refusals_total', {}, async () => {
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => {})
      await once(socket, 'connect')
      socket.write(bytes)
      await new Promise((resolve) => socket.once('close', resolve))
    })
    expect(grown).toBe(1)
  })

  inside('a device that writes below the id of another is turned away, and counted', async () => {
    const sender = await newClient()
    const grown = await growth('broker_refusals_total', { reason: 'forbidden-topic' }, async () => {
      const { packet } = sender.request()
      sender.mqtt.publish('isthmus/1/default/neighbour/infer', Buffer.from(packet))
      await expect.poll(() => sender.losses).toBe(1)
    })
    expect(grown).toBe(1)
    await sender.end()
  })

  test('two devices with one id throw each other out, and nobody else', async () => {
    const options = { reconnectPeriod: 50 }
    const twins = [
      await WireClient.connect(port, 'twin', tiny.bundle.key, options),
      await WireClient.connect(port, 'twin', tiny.bundle.key, options),
    ]
    await expect.poll(() => twins[0]!.losses + twins[1]!.losses, { timeout: 10_000 }).toBeGreaterThan(4)
    if (!outside) expect(await edge.metric('takeovers_total')).toBeGreaterThan(4)
    await twins[0]!.end()
    await expect.poll(() => twins[1]!.mqtt.connected).toBe(true)
    await sleep(100)
    expect(await twins[1]!.ask()).toHaveLength(4)
    await twins[1]!.end()
  })

  test('a flood of garbage is survived in bounded memory', async () => {
    const senders = await Promise.all(Array.from({ length: 6 }, () => newClient()))
    const flood = async (sender: WireClient) => {
      for (let sent = 0; sent < 600; sent++) {
        const bytes = Buffer.alloc(100 + ((sent * 7919) % 8000), sent & 255)
        const { packet } = sender.request({ payload: new Uint8Array(1 + (sent % 300)) })
        await sender.publish('infer', sent % 2 === 0 ? bytes : packet)
        // Answered after all that came before it: no broker has to drop anything for lack of room.
        if (sent % 50 === 49) expect(await sender.ask()).toHaveLength(4)
      }
      sender.heard.length = 0
    }
    const floodByAll = () => Promise.all(senders.map(flood))
    // Twice to fill what is filled once: heaps, pools, tables.
    await floodByAll()
    await floodByAll()
    const before = await edge.metric('resident_bytes')
    for (let round = 0; round < 4; round++) await floodByAll()
    const grownBytes = (await edge.metric('resident_bytes')) - before
    expect(grownBytes).toBeLessThan(32 * MB)
    for (const sender of senders) await sender.end()
  })

  test('the largest message that is allowed is read', async () => {
    const { packet } = client.request()
    const payload = new Uint8Array(MAX_MESSAGE_BYTES - packet.length)
    expect(await client.ask({ payload })).toBe('BAD_SHAPE')
  })

  // Last: it looks back on everything above.
  test('the neighbour has noticed nothing', async () => {
    await neighbour.stop()
    const { outcomes, client: device } = neighbour
    expect(outcomes.length).toBeGreaterThan(20)
    expect(outcomes.every((outcome) => Array.isArray(outcome) && outcome.length === 4)).toBe(true)
    expect(new Set(outcomes.map((outcome) => String(outcome))).size).toBe(1)
    expect(device.heard).toEqual([])
    // Its own goodbye.
    expect(device.losses).toBe(1)
  })
})
