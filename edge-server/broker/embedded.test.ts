import { once } from 'node:events'
import { type AddressInfo, connect as connectTcp, createServer, type Socket } from 'node:net'
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type BrokerRefusal, EmbeddedBroker, type EmbeddedBrokerOptions, listen } from './embedded.ts'
import { plainPublish } from './publish-packet.ts'

const SITE = 'yard'
const at = (device: string, verb: string) => `isthmus/1/${SITE}/${device}/${verb}`

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function start(options: Partial<EmbeddedBrokerOptions> = {}) {
  const refusals: { reason: BrokerRefusal; clientId: string }[] = []
  const takeovers: string[] = []
  let notify = () => {}
  const broker = await EmbeddedBroker.open({
    site: SITE,
    host: '127.0.0.1',
    mqttPort: 0,
    wsPort: 0,
    maxMessageBytes: 131_072,
    maxConnections: 100,
    packetsPerSecond: 500,
    maxDevices: 100,
    onRefusal: (reason, clientId) => {
      refusals.push({ reason, clientId })
      notify()
    },
    onTakeover: (device) => takeovers.push(device),
    ...options,
  })
  closing.push(() => broker.close())
  const refused = async () => {
    if (refusals.length === 0) await new Promise<void>((resolve) => (notify = resolve))
    return refusals.shift()!
  }
  const device = async (clientId: string, more: IClientOptions = {}): Promise<MqttClient> => {
    const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${broker.mqttPort}`, {
      clientId,
      reconnectPeriod: 0,
      ...more,
    })
    client.on('error', () => {})
    closing.push(() => client.endAsync(true))
    return client
  }
  return { broker, device, refused, refusals, takeovers }
}

const closed = (client: MqttClient | Socket) =>
  new Promise<void>((resolve) => {
    client.once('close', () => resolve())
  })

/** A bare connection that has said CONNECT and been accepted; it says nothing by itself, not even that it is alive. */
async function bareDevice(port: number, id: string, keepaliveS = 0, will = ''): Promise<Socket> {
  const socket = connectTcp(port, '127.0.0.1')
  closing.push(() => socket.destroy())
  socket.on('error', () => {})
  const said = (text: string) => [0, text.length, ...Buffer.from(text)]
  const last = will === '' ? [] : [...said(at(id, 'state')), ...said(will)]
  const flags = will === '' ? 2 : 6
  const body = [...said('MQTT'), 4, flags, 0, keepaliveS, ...said(id), ...last]
  socket.write(Buffer.of(0x10, body.length, ...body))
  await new Promise((resolve) => socket.once('data', resolve))
  return socket
}

async function bareSubscribe(socket: Socket, filter: string): Promise<void> {
  const subscribe = [0, 1, 0, filter.length, ...Buffer.from(filter), 0]
  socket.write(Buffer.of(0x82, subscribe.length, ...subscribe))
  await new Promise((resolve) => socket.once('data', resolve))
}

describe('a port of the server', () => {
  it('stays open when a connection could not be accepted, and says so', async () => {
    const server = createServer((socket) => socket.end('here'))
    const told: string[] = []
    await listen(server, '127.0.0.1', 0, 'mqttPort', ({ message }) => told.push(message))
    closing.push(() => server.close())
    // What Node says when the system gives an error in place of a connection.
    server.emit('error', Object.assign(new Error('accept ENOBUFS'), { code: 'ENOBUFS', syscall: 'accept' }))
    expect(told).toEqual(['accept ENOBUFS'])
    const socket = connectTcp((server.address() as AddressInfo).port, '127.0.0.1')
    const [said] = await once(socket, 'data')
    expect(String(said)).toBe('here')
  })
})

describe('the clock of the machine', () => {
  it('may be set forward while devices are connected: none of them is taken for gone', async () => {
    const intervals = vi.spyOn(globalThis, 'setInterval')
    vi.useFakeTimers({ toFake: ['Date'] })
    try {
      const { broker } = await start()
      const looks = intervals.mock.calls.filter(([, ms]) => ms! >= 60_000)
      expect(looks.length).toBeGreaterThan(0)
      const heard: string[] = []
      broker.onMessage((topic, packet) => heard.push(`${topic} ${packet}`))
      await broker.subscribe([at('+', 'state')])
      const socket = await bareDevice(broker.mqttPort, 'cam', 0, 'gone')
      vi.setSystemTime(Date.now() + 3_600_000)
      // What the broker looks after from time to time: the rarest first, as it happens when the others are a little late.
      for (const [look] of looks.sort(([, a], [, b]) => b! - a!)) {
        const lookNow = look as () => void
        lookNow()
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
      expect(broker.connections).toBe(1)
      expect(heard).toEqual([])
      socket.destroy()
      while (heard.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
      expect(heard).toEqual([`${at('cam', 'state')} gone`])
    } finally {
      vi.useRealTimers()
      intervals.mockRestore()
    }
  })
})

describe('who may connect to the broker inside', () => {
  it.each(['edge', 'edge-2', 'a b', 'cam/1', '$SYS', '', 'x'.repeat(65)])(
    'refuses the client id "%s"',
    async (id) => {
      const { device, refused } = await start()
      await expect(device(id)).rejects.toMatchObject({ code: 2 })
      expect(await refused()).toMatchObject({ reason: 'client-id' })
    },
  )

  it('lets only devices of the table in, each with its own password', async () => {
    const { device, refused } = await start({ users: { 'cam-1': 'cam-one-secret' } })
    await expect(device('cam-1')).rejects.toMatchObject({ code: 4 })
    expect(await refused()).toEqual({ reason: 'credentials', clientId: 'cam-1' })
    await expect(device('cam-2', { username: 'cam-1', password: 'cam-one-secret' })).rejects.toThrow()
    await device('cam-1', { username: 'cam-1', password: 'cam-one-secret' })
  })

  it('closes the first of two connections with one id, and counts it', async () => {
    const { broker, device, takeovers } = await start()
    const first = await device('cam')
    const gone = closed(first)
    const second = await device('cam')
    await gone
    expect(second.connected).toBe(true)
    expect(takeovers).toEqual(['cam'])
    expect(broker.connections).toBe(1)
  })

  it('does not let a stranger take over without the password', async () => {
    const { device, takeovers } = await start({ users: { cam: 'cam-secret' } })
    const first = await device('cam', { username: 'cam', password: 'cam-secret' })
    await expect(device('cam')).rejects.toThrow()
    expect(first.connected).toBe(true)
    expect(takeovers).toEqual([])
  })

  it('keeps no session for a device that is away', async () => {
    const { device } = await start()
    const first = await device('cam', { clean: false })
    await first.subscribeAsync(at('cam', 'reply'), { qos: 1 })
    await first.endAsync()
    const second = await mqtt.connectAsync(first.options as IClientOptions)
    closing.push(() => second.endAsync(true))
    const granted = await second.subscribeAsync(at('cam', 'reply'))
    expect(granted).toHaveLength(1)
  })
})

describe('what a device may do at the broker inside', () => {
  it('cuts off a device that writes where it may not', async () => {
    const { device, refused } = await start()
    for (const topic of [at('other', 'infer'), at('edge', 'state'), '$SYS/x', 'free/topic']) {
      const camera = await device('cam')
      const gone = closed(camera)
      camera.publish(topic, 'x')
      expect(await refused()).toEqual({ reason: 'forbidden-topic', clientId: 'cam' })
      await gone
    }
  })

  it('grants a device its own topics and those of the server, nothing else', async () => {
    const { device, refused } = await start()
    const camera = await device('cam')
    const granted = async (filter: string) =>
      camera.subscribeAsync(filter).then(
        (grants) => grants.every(({ qos }) => qos < 3),
        () => false,
      )
    expect(await granted(at('cam', 'reply'))).toBe(true)
    expect(await granted(at('edge', 'state'))).toBe(true)
    for (const filter of ['#', at('+', 'infer'), at('other', 'reply'), '$SYS/#', at('edge', '+')]) {
      expect(await granted(filter)).toBe(false)
      expect(await refused()).toMatchObject({ reason: 'forbidden-filter' })
    }
    expect(camera.connected).toBe(true)
  })

  it('keeps retained births and states only, and of so many devices only', async () => {
    const { broker, device } = await start({ maxDevices: 1 })
    const seen: string[] = []
    broker.onMessage((topic, packet) => seen.push(`${topic} ${packet.length}`))
    const first = await device('cam-1')
    await first.publishAsync(at('cam-1', 'birth'), 'b', { qos: 1, retain: true })
    await first.publishAsync(at('cam-1', 'sample'), 's', { qos: 1, retain: true })
    const second = await device('cam-2')
    await second.publishAsync(at('cam-2', 'birth'), 'b', { qos: 1, retain: true })
    const retained: string[] = []
    first.on('message', (topic) => retained.push(topic))
    second.on('message', (topic) => retained.push(topic))
    await first.subscribeAsync(`${at('cam-1', '')}#`)
    await second.subscribeAsync(`${at('cam-2', '')}#`)
    // A message of the present, after which those of the past have arrived.
    const arrived = new Promise((resolve) =>
      first.on('message', (topic) => topic.endsWith('reply') && resolve(0)),
    )
    const arrivedToo = new Promise((resolve) =>
      second.on('message', (topic) => topic.endsWith('reply') && resolve(0)),
    )
    await broker.publish(at('cam-1', 'reply'), Uint8Array.of(1))
    await broker.publish(at('cam-2', 'reply'), Uint8Array.of(1))
    await Promise.all([arrived, arrivedToo])
    expect(retained.filter((topic) => !topic.endsWith('reply'))).toEqual([at('cam-2', 'birth')])
  })
})

describe('last wills', () => {
  it.each([at('cam-2', 'state'), at('edge', 'state'), '$SYS/x'])(
    'turns away a device that would leave one at %s',
    async (topic) => {
      const { broker, refused } = await start()
      const will = { topic, payload: Buffer.of(1), qos: 1 as const, retain: true }
      const url = `mqtt://127.0.0.1:${broker.mqttPort}`
      const client = mqtt.connect(url, { clientId: 'cam-1', reconnectPeriod: 0, will })
      client.on('error', () => {})
      await closed(client)
      expect(await refused()).toEqual({ reason: 'forbidden-topic', clientId: 'cam-1' })
    },
  )
})

describe('what the broker inside does not put up with', () => {
  it('cuts a connection at the header of a 10 MB message, before its body', async () => {
    const { broker, device, refused } = await start()
    const heard: string[] = []
    broker.onMessage((topic) => heard.push(topic))
    await broker.subscribe([at('+', 'infer')])
    const bare = await bareDevice(broker.mqttPort, 'cam-1')
    const gone = closed(bare)
    bare.write(Buffer.of(0x30, 0x80, 0xad, 0xe2, 0x04, 0x00, 0x00))
    expect(await refused()).toEqual({ reason: 'too-large', clientId: 'cam-1' })
    await gone
    const neighbour = await device('cam-2')
    await neighbour.publishAsync(at('cam-2', 'infer'), 'x', { qos: 1 })
    expect(heard).toEqual([at('cam-2', 'infer')])
  })

  it('cuts a connection that sends a 10 MB WebSocket frame', async () => {
    const { broker, refused } = await start()
    const client = await mqtt.connectAsync(`ws://127.0.0.1:${broker.wsPort}`, {
      clientId: 'cam',
      reconnectPeriod: 0,
    })
    closing.push(() => client.endAsync(true))
    client.on('error', () => {})
    const gone = closed(client)
    client.publish(at('cam', 'infer'), Buffer.alloc(10_000_000))
    expect(await refused()).toMatchObject({ reason: 'too-large' })
    await gone
  })

  it('takes so many connections on both ports together, and another as soon as one has gone', async () => {
    const { broker, device } = await start({ maxConnections: 2 })
    const first = await device('cam-1')
    const overWeb = await mqtt.connectAsync(`ws://127.0.0.1:${broker.wsPort}`, {
      clientId: 'cam-2',
      reconnectPeriod: 0,
    })
    closing.push(() => overWeb.endAsync(true))
    for (const port of [broker.mqttPort, broker.wsPort!]) {
      const third = connectTcp(port, '127.0.0.1')
      third.on('error', () => {})
      await closed(third)
    }
    await first.endAsync()
    await expect(device('cam-5')).resolves.toMatchObject({ connected: true })
  })

  it('cuts a connection that speaks no MQTT, and counts it', async () => {
    const { broker, refused } = await start()
    for (const noise of ['GET / HTTP/1.1\r\n\r\n', '\0\0\0\0', Buffer.alloc(100, 0xff)]) {
      const socket = connectTcp(broker.mqttPort, '127.0.0.1')
      socket.on('error', () => {})
      const gone = closed(socket)
      socket.write(noise)
      await gone
      expect((await refused()).reason).toMatch(/protocol|malformed|too-large/)
    }
  })

  it('cuts off a device that does not read, while its neighbour gets everything', async () => {
    const { broker, device, refused } = await start()
    const slow = await bareDevice(broker.mqttPort, 'slow')
    await bareSubscribe(slow, at('slow', 'reply'))
    slow.pause()
    const fast = await device('fast')
    await fast.subscribeAsync(at('fast', 'reply'))
    let got = 0
    const all = new Promise<void>((resolve) => fast.on('message', () => ++got === 300 && resolve()))
    for (let n = 0; n < 300; n++) {
      void broker.publish(at('slow', 'reply'), new Uint8Array(100_000))
      void broker.publish(at('fast', 'reply'), Uint8Array.of(1))
      await new Promise((resolve) => setImmediate(resolve))
    }
    await all
    expect(await refused()).toEqual({ reason: 'slow-reader', clientId: 'slow' })
  })
})

describe('where the broker inside listens', () => {
  it('says which setting to change when a port is in use, and leaves nothing open', async () => {
    const { broker } = await start()
    const busy = { mqttPort: 0, wsPort: broker.mqttPort }
    await expect(start(busy)).rejects.toMatchObject({
      code: 'PORT_IN_USE',
      message: expect.stringMatching(/\(wsPort\) is in use/),
    })
  })

  it('refuses an address that this machine does not have', async () => {
    await expect(start({ host: '203.0.113.1' })).rejects.toMatchObject({ code: 'BAD_ADDRESS' })
  })
})

describe('a device that asks often', () => {
  it('is heard in order and once each, and stays connected although it says nothing else', async () => {
    const { broker } = await start({ packetsPerSecond: 10_000 })
    const heard: number[] = []
    broker.onMessage((topic, packet) => {
      heard.push(packet[0]! + 256 * packet[1]!)
      void broker.publish(topic.replace('infer', 'reply'), packet)
    })
    await broker.subscribe([at('+', 'infer')])
    // The broker cuts it off when it has seen no packet of it for one and a half seconds.
    const camera = await bareDevice(broker.mqttPort, 'cam', 1)
    await bareSubscribe(camera, at('cam', 'reply'))
    const startMs = performance.now()
    let n = 0
    for (; performance.now() - startMs < 2500; n++) {
      const packet = plainPublish(Buffer.from(at('cam', 'infer')), Buffer.of(n & 255, n >> 8))
      const answered = new Promise<Buffer>((resolve) => camera.once('data', resolve))
      camera.write(packet)
      expect((await answered).subarray(-2)).toEqual(packet.subarray(-2))
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    expect(heard).toEqual(Array.from({ length: n }, (_, index) => index))
  })

  it('still hears its own requests when it has asked to', async () => {
    const { broker, device } = await start()
    let toServer = 0
    broker.onMessage(() => toServer++)
    await broker.subscribe([at('+', 'infer')])
    const camera = await device('cam')
    await camera.subscribeAsync([at('cam', 'reply'), at('cam', 'infer')])
    let echoes = 0
    const all = new Promise<void>((resolve) => camera.on('message', () => ++echoes === 5 && resolve()))
    for (let n = 0; n < 5; n++) await camera.publishAsync(at('cam', 'infer'), Buffer.of(n))
    await all
    expect(toServer).toBe(5)
  })
})

describe('a device that sends too fast', () => {
  it('may leave at once: what it sent still arrives, its goodbye too', async () => {
    const { broker, device } = await start({ packetsPerSecond: 200 })
    const heard: { topic: string; byte: number }[] = []
    let left = () => {}
    const gone = new Promise<void>((resolve) => (left = resolve))
    broker.onMessage((topic, packet) => {
      heard.push({ topic, byte: packet[0]! })
      if (packet[0] === 255) left()
    })
    await broker.subscribe([at('+', 'infer'), at('+', 'state')])
    const will = { topic: at('cam', 'state'), payload: Buffer.of(99), qos: 1 as const, retain: true }
    const camera = await device('cam', { will })
    for (let n = 0; n < 150; n++) camera.publish(at('cam', 'infer'), Buffer.of(n))
    await camera.endAsync()
    const neighbour = await device('other')
    const sent = () => heard.filter(({ topic }) => topic === at('cam', 'infer')).map(({ byte }) => byte)
    while (sent().length < 150) await neighbour.publishAsync(at('other', 'state'), Buffer.of(1), { qos: 1 })
    await neighbour.publishAsync(at('other', 'infer'), Buffer.of(255), { qos: 1 })
    await gone
    expect(sent()).toEqual(Array.from({ length: 150 }, (_, n) => n))
    expect(heard.some(({ topic }) => topic === at('cam', 'state'))).toBe(false)
  })

  it('is made to wait, and loses nothing', async () => {
    const { broker, device } = await start({ packetsPerSecond: 100 })
    const heard: number[] = []
    let all = () => {}
    const done = new Promise<void>((resolve) => (all = resolve))
    broker.onMessage((_topic, packet) => {
      heard.push(packet[0]!)
      if (heard.length === 60) all()
    })
    await broker.subscribe([at('+', 'infer')])
    const camera = await device('cam')
    for (let n = 0; n < 60; n++) camera.publish(at('cam', 'infer'), Buffer.of(n))
    const neighbour = await device('other')
    await neighbour.publishAsync(at('other', 'infer'), Buffer.of(255), { qos: 1 })
    expect(heard.length).toBeLessThan(60)
    await done
    expect(heard.filter((byte) => byte !== 255).slice(0, 59)).toEqual(Array.from({ length: 59 }, (_, n) => n))
  })
})
