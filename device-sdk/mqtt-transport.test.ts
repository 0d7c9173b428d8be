import { createServer, type Server } from 'node:net'
import { Aedes } from 'aedes'
import { afterEach, expect, test, vi } from 'vitest'
import { MqttTransport, type MqttTransportOptions } from './mqtt-transport.ts'

const cleanUps: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

async function openBroker(port = 0): Promise<{ broker: Aedes; port: number; close(): Promise<void> }> {
  const broker = await Aedes.createBroker()
  const server: Server = createServer(broker.handle)
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  let closed: Promise<void> | undefined
  const close = () => {
    closed ??= new Promise<void>((resolve) => broker.close(() => server.close(() => resolve())))
    return closed
  }
  cleanUps.push(close)
  return { broker, port: (server.address() as { port: number }).port, close }
}

/** Waits for an event of the real world; the test's own time limit is the only clock. */
async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 5))
}

function device(port: number, options: Partial<MqttTransportOptions> = {}) {
  const seen = { online: 0, offline: 0, errors: 0, messages: [] as { topic: string; text: string }[] }
  const transport = new MqttTransport({
    url: `mqtt://127.0.0.1:${port}`,
    clientId: 'cam-1',
    will: { topic: 'will', payload: Buffer.from('gone') },
    reconnect: { minMs: 20, maxMs: 100 },
    onError: () => seen.errors++,
    ...options,
  })
  transport.start({
    onOnline: () => {
      seen.online++
      transport.subscribe(['here'])
    },
    onOffline: () => seen.offline++,
    onMessage: (topic, packet) => seen.messages.push({ topic, text: Buffer.from(packet).toString() }),
  })
  cleanUps.push(() => transport.close())
  return { transport, seen }
}

test('publishes, receives what it subscribed to, and leaves without its last will', async () => {
  const { broker, port } = await openBroker()
  const published: string[] = []
  broker.on('publish', (packet, client) => client && published.push(`${packet.topic} ${packet.payload}`))
  const { transport, seen } = device(port)
  await until(() => seen.online === 1)
  expect(transport.publish('there', Buffer.from('hello'))).toBe(true)
  await until(() => published.includes('there hello'))
  await until(() => broker.connectedClients === 1)
  const echo = setInterval(() => {
    broker.publish(
      { cmd: 'publish', topic: 'here', payload: 'back', qos: 0, retain: false, dup: false },
      () => {},
    )
  }, 10)
  await until(() => seen.messages.some(({ topic, text }) => topic === 'here' && text === 'back'))
  clearInterval(echo)
  await transport.close()
  await until(() => broker.connectedClients === 0)
  expect(published.some((line) => line.startsWith('will'))).toBe(false)
})

test('without a broker nothing throws, publishing is refused, and it connects when the broker comes', async () => {
  const first = await openBroker()
  await first.close()
  const { transport, seen } = device(first.port)
  await until(() => seen.errors > 0)
  expect(transport.publish('there', Buffer.from('lost'))).toBe(false)
  await openBroker(first.port)
  await until(() => seen.online === 1)
})

test('the wait before an attempt is the one drawn for it, from the first on', async () => {
  const gone = await openBroker()
  await gone.close()
  const intervals = vi.spyOn(globalThis, 'setInterval')
  const { seen } = device(gone.port, { random: () => 0.5 })
  await until(() => seen.offline >= 3)
  const waits = intervals.mock.calls.map(([, ms]) => ms)
  intervals.mockRestore()
  expect(waits.slice(0, 3)).toEqual([30, 50, 60])
})

test('comes back by itself after the broker has died, and says so both times', async () => {
  const first = await openBroker()
  const { transport, seen } = device(first.port)
  await until(() => seen.online === 1)
  await first.close()
  await until(() => seen.offline > 0)
  expect(transport.publish('there', Buffer.from('lost'))).toBe(false)
  const second = await openBroker(first.port)
  const heard: string[] = []
  second.broker.on('publish', (packet, client) => client && heard.push(packet.topic))
  await until(() => seen.online === 2)
  expect(transport.publish('again', Buffer.from('x'), { qos: 1, retain: true })).toBe(true)
  await until(() => heard.includes('again'))
  expect(heard).not.toContain('there')
})

test('what the broker refuses to let it hear is asked for again, on the same connection', async () => {
  const { broker, port } = await openBroker()
  let refused = 0
  let granted = 0
  let refuses = true
  broker.authorizeSubscribe = (_, subscription, done) => {
    const isRefused = refuses && subscription.topic === 'here'
    if (isRefused) refused++
    else granted++
    done(null, isRefused ? null : subscription)
  }
  const { transport, seen } = device(port, { askAgainMs: 50 })
  await until(() => seen.online === 1)
  transport.subscribe(['granted', 'here'])
  await until(() => refused > 3)
  expect(granted).toBe(1)
  refuses = false
  const message = { cmd: 'publish', topic: 'here', payload: 'x', qos: 0, retain: false, dup: false } as const
  const untilMs = performance.now() + 20_000
  while (seen.messages.length === 0 && performance.now() < untilMs) {
    broker.publish(message, () => {})
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  expect(seen).toMatchObject({ online: 1, offline: 0, errors: refused })
  expect(seen.messages.length).toBeGreaterThan(0)
})

test('closing does not hang when there is no broker', async () => {
  const { transport, seen } = device(1)
  await until(() => seen.errors > 0)
  await transport.close()
  const after = seen.errors
  await new Promise((resolve) => setTimeout(resolve, 60))
  expect(seen.errors).toBe(after)
})

test('closing ends the connection to a broker that says nothing any more', async () => {
  let ended = false
  const server: Server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => socket.write(Buffer.of(0x20, 2, 0, 0)))
    socket.on('close', () => {
      ended = true
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanUps.push(() => new Promise<void>((resolve) => server.close(() => resolve())))
  const { transport, seen } = device((server.address() as { port: number }).port)
  await until(() => seen.online === 1)
  expect(transport.publish('there', Buffer.from('never acknowledged'), { qos: 1 })).toBe(true)
  await transport.close()
  // The connection's own end, when its keepalive goes unanswered, is later than a test may take.
  await until(() => ended)
})

test('takes an IPv6 address, over TCP and WebSocket', async () => {
  for (const scheme of ['mqtt', 'ws']) {
    let errors = 0
    const transport = new MqttTransport({
      url: `${scheme}://[::1]:1`,
      clientId: 'cam-1',
      will: { topic: 'will', payload: Buffer.from('gone') },
      reconnect: { minMs: 20, maxMs: 100 },
      onError: () => errors++,
    })
    cleanUps.push(() => transport.close())
    transport.start({ onOnline: () => {}, onOffline: () => {}, onMessage: () => {} })
    await until(() => errors > 1)
  }
})
