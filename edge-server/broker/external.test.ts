import { type AddressInfo, createServer, type Socket } from 'node:net'
import { Aedes } from 'aedes'
import { afterEach, describe, expect, it } from 'vitest'
import { ExternalBroker } from './external.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** A broker that answers CONNECT with this return code, and nothing else ever. */
async function hangingBroker(returnCode = 0): Promise<string> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('data', () => socket.write(Buffer.of(0x20, 2, 0, returnCode)))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Aedes at a port; `cutOff` ends the first connection that it was given. */
async function realBroker(): Promise<{ broker: Aedes; url: string; cutOff: () => void }> {
  const broker = await Aedes.createBroker()
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket)
    broker.handle(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => new Promise<void>((resolve) => broker.close(() => server.close(() => resolve()))))
  const url = `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { broker, url, cutOff: () => sockets[0]!.destroy() }
}

const open = (url: string, onConnection: (connected: boolean) => void = () => {}) =>
  ExternalBroker.open({
    url,
    clientId: 'edge-test',
    will: { topic: 'isthmus/1/yard/edge/state', packet: Uint8Array.of(0) },
    onConnection,
    ackTimeoutMs: 20,
  })

describe('a broker elsewhere', () => {
  it('that never acknowledges keeps nobody from going on, or from stopping', async () => {
    const broker = await open(await hangingBroker())
    await broker.publish('isthmus/1/yard/edge/birth', Uint8Array.of(1), { qos: 1, retain: true })
    await broker.close()
    expect(broker.connected).toBe(false)
  })

  it('that refuses the server is told apart from one that is not there', async () => {
    await expect(open(await hangingBroker(5))).rejects.toMatchObject({
      code: 'BROKER_REFUSED',
      message: expect.stringMatching(/refuses the server.*brokerUsername/),
    })
    await expect(open('mqtt://127.0.0.1:1')).rejects.toMatchObject({
      code: 'NO_BROKER',
      message: expect.stringMatching(/127\.0\.0\.1:1 does not answer/),
    })
  })

  it('that is away is told of once, not at each attempt to find it', async () => {
    let attempts = 0
    let isAway = false
    let notify = () => {}
    const sockets: Socket[] = []
    const server = createServer((socket) => {
      attempts++
      sockets.push(socket)
      socket.on('error', () => {})
      if (isAway) socket.destroy()
      else socket.once('data', () => socket.write(Buffer.of(0x20, 2, 0, 0)))
      notify()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    closing.push(() => server.close())
    const told: boolean[] = []
    const url = `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`
    const broker = await open(url, (connected) => told.push(connected))
    closing.push(() => broker.close())
    const tried = async (count: number) => {
      while (attempts < count) await new Promise<void>((resolve) => (notify = resolve))
    }
    isAway = true
    sockets[0]!.destroy()
    await tried(4)
    expect(told).toEqual([false])
    isAway = false
    await tried(5)
    while (!broker.connected) await new Promise((resolve) => setTimeout(resolve, 5))
    expect(told).toEqual([false, true])
  })

  it('that refuses the server for a while, as one that is starting does, is sought again', async () => {
    // Accepted, unavailable, not authorized, accepted.
    const codes = [0, 3, 5, 0]
    const sockets: Socket[] = []
    const server = createServer((socket) => {
      sockets.push(socket)
      socket.on('error', () => {})
      socket.once('data', () => socket.write(Buffer.of(0x20, 2, 0, codes.shift()!)))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    closing.push(() => {
      for (const socket of sockets) socket.destroy()
      server.close()
    })
    const broker = await open(`mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`)
    closing.push(() => broker.close())
    const again = new Promise<string>((resolve) => broker.onReconnect(() => resolve('again')))
    sockets[0]!.destroy()
    const never = new Promise((resolve) => setTimeout(resolve, 20_000, 'never').unref())
    expect(await Promise.race([again, never])).toBe('again')
  }, 30_000)

  it('that refuses a filter is named at the start, and at a reconnect asked again until the server hears all', async () => {
    const { broker, url, cutOff } = await realBroker()
    let refused = 0
    let refuses = false
    broker.authorizeSubscribe = (_, subscription, done) => {
      const isRefused = refuses && subscription.topic === 'two'
      if (isRefused) refused++
      done(null, isRefused ? null : subscription)
    }
    const told: boolean[] = []
    const external = await open(url, (connected) => told.push(connected))
    closing.push(() => external.close())
    const heard = new Set<string>()
    external.onMessage((topic) => heard.add(topic))
    refuses = true
    await expect(external.subscribe(['one', 'two'])).rejects.toMatchObject({
      code: 'BROKER_REFUSED',
      message: expect.stringContaining('let the server read two'),
    })
    refuses = false
    await external.subscribe(['one', 'two'])
    refused = 0
    refuses = true
    cutOff()
    while (refused < 2) await new Promise((resolve) => setTimeout(resolve, 5))
    expect(external.connected).toBe(false)
    refuses = false
    const untilMs = performance.now() + 20_000
    while (heard.size < 2 && performance.now() < untilMs) {
      for (const topic of ['one', 'two'])
        broker.publish({ cmd: 'publish', topic, payload: 'x', qos: 0, retain: false, dup: false }, () => {})
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    expect([...heard].sort()).toEqual(['one', 'two'])
    expect(external.connected).toBe(true)
    expect(told).toEqual([false, true])
  }, 60_000)

  it('that had not acknowledged everything when it went is heard at once when it is back', async () => {
    const { broker, url, cutOff } = await realBroker()
    const published: string[] = []
    // What is held is neither acknowledged nor refused.
    broker.authorizePublish = (client, { topic }, done) => {
      if (client && topic.length < 6) published.push(topic)
      if (topic !== 'held') done(null)
    }
    const external = await open(url)
    closing.push(() => external.close())
    await external.subscribe(['one'])
    const again = new Promise<string>((resolve) => external.onReconnect(() => resolve('again')))
    await external.publish('held', Uint8Array.of(1), { qos: 1 })
    expect(published).toEqual(['held'])
    cutOff()
    const never = new Promise((resolve) => setTimeout(resolve, 10_000, 'never').unref())
    expect(await Promise.race([again, never])).toBe('again')
    await external.publish('fresh', Uint8Array.of(1), { qos: 1 })
    // Whoever had said it says it again, as it is now.
    expect(published).toEqual(['held', 'fresh'])
  }, 30_000)

  it('may have an IPv6 address, over TCP and WebSocket', async () => {
    for (const url of ['mqtt://[::1]:1', 'ws://[::1]:1']) {
      await expect(open(url)).rejects.toMatchObject({ code: 'NO_BROKER' })
    }
  })
})
