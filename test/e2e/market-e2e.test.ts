import { readFileSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { connectDevice, type Device } from '@isthmus/device-sdk'
import { encodeMessage, topic, type Verb } from '@isthmus/proto'
import mqtt from 'mqtt'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { EdgeDaemon } from './edge-daemon.ts'
import { freePort, Mosquitto, mosquittoInstalled } from './mosquitto.ts'
import { type TinyBundle, writeTinyBundle } from './tiny-bundle.ts'

let tiny: TinyBundle
let folder: string
const running: (() => unknown)[] = []
const devices: Device[] = []

beforeAll(async () => {
  tiny = await writeTinyBundle()
  folder = await mkdtemp(join(tmpdir(), 'isthmus-market-'))
})
afterEach(async () => {
  for (const device of devices.splice(0)) await device.close()
})
afterAll(async () => {
  for (const end of running.reverse()) await end()
})

const rules = ['--market', 'critical', '--round-ms', '400', '--lease-ms', '60000']
async function edge(...flags: string[]): Promise<EdgeDaemon> {
  const daemon = await EdgeDaemon.start(tiny.dir, [...rules, '--market-dir', folder, ...flags])
  running.push(() => daemon.kill())
  return daemon
}

async function bidder(id: string, broker: string, cpu = 0.7, budget = 10): Promise<Device> {
  const market = { budget, demand: { cpu } }
  const preference = { accuracy: 1, delay: 0 }
  const common = { broker, username: id, bundle: tiny.dir, deadlineMs: 2000 }
  const device = await connectDevice({ id, ...common, preference, market })
  devices.push(device)
  return device
}

/** Waits for what has to come. */
async function until(holds: () => unknown): Promise<void> {
  while (!holds()) await sleep(20)
}

describe('a market of real processes', () => {
  it('keeps a lease over the death of its server, and the answers say that it was held', async () => {
    const port = await freePort()
    const first = await edge('--mqtt-port', `${port}`)
    const device = await bidder('cam', `mqtt://127.0.0.1:${port}`)
    await until(() => device.lease)
    const answer = await device.infer(new Float32Array(48), { route: 'split' })
    expect(answer).toMatchObject({ route: 'split', leased: true })
    await first.kill()
    await until(() => device.lease === undefined)
    expect((await device.infer(new Float32Array(48))).leased).toBeUndefined()
    await edge('--mqtt-port', `${port}`)
    await until(() => device.lease)
  })

  it.skipIf(!mosquittoInstalled)(
    'has another auctioneer when one dies, and devices find the server that is left',
    async () => {
      const mosquitto = await Mosquitto.start()
      running.push(() => mosquitto.kill())
      const broker = `mqtt://127.0.0.1:${mosquitto.port}`
      const servers = new Map([
        ['edge-a', await edge('--broker', broker, '--id', 'edge-a')],
        ['edge-b', await edge('--broker', broker, '--id', 'edge-b')],
      ])
      const one = await bidder('one', broker)
      const two = await bidder('two', broker)
      await until(() => one.lease && two.lease)
      // One server has no room for both.
      expect(new Set([one.lease!.server, two.lease!.server])).toEqual(new Set(['edge-a', 'edge-b']))
      for (const device of [one, two]) {
        expect(await device.infer(new Float32Array(48), { route: 'split' })).toMatchObject({
          route: 'split',
          leased: true,
        })
      }
      const leaders = await Promise.all(
        [...servers].map(async ([id, server]) => [id, await server.metric('market_leads')]),
      )
      const leader = leaders.find(([, leads]) => leads === 1)![0] as string
      await servers.get(leader)!.kill()
      servers.delete(leader)
      const [[left, server]] = [...servers] as [[string, EdgeDaemon]]
      while ((await server.metric('market_leads')) !== 1) await sleep(20)
      const three = await bidder('three', broker, 0.05)
      await until(() => three.lease)
      expect(three.lease!.server).toBe(left)
    },
  )

  it.skipIf(!mosquittoInstalled)(
    'sells under the rules for Mosquitto that the page shows, which keep devices from what is not theirs',
    async () => {
      const page = readFileSync(new URL('../../../docs/edge-server.md', import.meta.url), 'utf8')
      const rules = /```\n# acl\n([^`]*)```/.exec(page)![1]!.replaceAll('SITE', 'default')
      const mosquitto = await Mosquitto.start(undefined, rules)
      running.push(() => mosquitto.kill())
      const broker = `mqtt://127.0.0.1:${mosquitto.port}`
      const server = await edge('--broker', broker, '--id', 'edge-r', '--broker-username', 'isthmus-edge')
      const connect = async (username: string) => {
        const client = await mqtt.connectAsync(broker, {
          username,
          clientId: `${username}-spy`,
          protocolVersion: 5,
        })
        client.on('error', () => {})
        running.push(() => client.endAsync(true))
        return client
      }
      const liar = await connect('liar')
      const heard: string[] = []
      liar.on('message', (name) => heard.push(name))
      for (const filter of [
        'isthmus/1/default/+/bid',
        'isthmus/1/default/edge/memory',
        'isthmus/1/default/liar/#',
      ])
        await liar.subscribeAsync(filter).catch(() => {})
      const claim = { kind: 'claim' as const, holder: 'edge-z', term: 999, round: 0, roundMs: 400 }
      const packet = Buffer.from(encodeMessage({ envelope: { id: 1, boot: 1 }, body: claim }))
      const forged: [string, Verb][] = [
        ['edge', 'claim'],
        ['edge-z', 'beat'],
        ['edge-r', 'grant'],
        ['edge', 'memory'],
        ['liar', 'award'],
        ['honest', 'bid'],
        ['honest', 'state'],
      ]
      for (const [id, verb] of forged)
        await liar.publishAsync(topic('default', id, verb), packet, { qos: 1 }).catch(() => {})
      const honest = await bidder('honest', broker)
      await until(() => honest.lease)
      // What it may say does arrive.
      await liar.publishAsync(topic('default', 'liar', 'state'), packet, { qos: 1 })
      await until(() => heard.length > 0)
      expect(heard.filter((name) => !/\/liar\/(state|reply)$/.test(name))).toEqual([])
      expect(await server.metric('market_leads')).toBe(1)
      expect(await server.metric('market_terms_total')).toBe(1)
    },
  )
})
