import { readFileSync } from 'node:fs'
import { tellsOf, topic, type Verb } from '@isthmus/proto'
import mqtt, { type MqttClient } from 'mqtt'
import { afterEach, describe, expect, it } from 'vitest'
import { EmbeddedBroker } from './embedded.ts'
import { mosquittoInstalled, startMosquitto } from './mosquitto.test.support.ts'

interface Setting {
  readonly url: string
  close(): Promise<void>
}

const SITE = 'yard'
const at = (device: string, verb: Verb) => topic(SITE, device, verb)

async function embedded(): Promise<Setting> {
  const broker = await EmbeddedBroker.open({
    site: SITE,
    host: '127.0.0.1',
    mqttPort: 0,
    wsPort: 'off',
    maxMessageBytes: 131_072,
    maxConnections: 100,
    packetsPerSecond: 500,
    maxDevices: 100,
    onRefusal: () => {},
    onTakeover: () => {},
  })
  return { url: `mqtt://127.0.0.1:${broker.mqttPort}`, close: () => broker.close() }
}

/** Mosquitto with the rules that the page tells people to use. */
async function mosquitto(): Promise<Setting> {
  const page = readFileSync(new URL('../../../docs/edge-server.md', import.meta.url), 'utf8')
  const rules = /```\n# acl\n([^`]*)```/.exec(page)?.[1]?.replaceAll('SITE', SITE)
  if (rules === undefined) throw new Error('docs/edge-server.md shows no rules of access')
  const { url, stop } = await startMosquitto(undefined, rules)
  return { url, close: stop }
}

function contract(name: string, open: () => Promise<Setting>, installed = true): void {
  describe.skipIf(!installed)(`what devices tell each other over ${name}`, () => {
    const closing: (() => Promise<unknown>)[] = []
    afterEach(async () => {
      for (const close of closing.splice(0).reverse()) await close()
    })

    async function start() {
      const { url, close } = await open()
      closing.push(close)
      return async (clientId: string, filters: readonly string[] = []) => {
        const client = await mqtt.connectAsync(url, { clientId, username: clientId, reconnectPeriod: 0 })
        closing.push(() => client.endAsync(true))
        client.on('error', () => {})
        const heard: string[] = []
        let notify = () => {}
        client.on('message', (topic, payload) => {
          heard.push(`${topic} ${payload}`)
          notify()
        })
        // A refused filter is an error of the client's; the test looks at what comes.
        for (const filter of filters) await client.subscribeAsync(filter).catch(() => {})
        const hears = async (last: string) => {
          while (!heard.includes(last)) await new Promise<void>((resolve) => (notify = resolve))
          return heard
        }
        return { client, hears }
      }
    }

    const publish = (client: MqttClient, name: string, text: string, qos: 0 | 1 = 1) =>
      Promise.race([
        client.publishAsync(name, text, { qos }).catch(() => {}),
        new Promise<void>((resolve) => client.once('close', () => resolve())),
      ])

    it('each hears the others of its site', async () => {
      const device = await start()
      const a = await device('cam-a', [tellsOf(SITE)])
      const b = await device('cam-b', [tellsOf(SITE)])
      await publish(a.client, at('cam-a', 'tell'), 'one', 0)
      await publish(b.client, at('cam-b', 'tell'), 'two', 0)
      await b.hears(`${at('cam-a', 'tell')} one`)
      await a.hears(`${at('cam-b', 'tell')} two`)
    })

    it('none speaks for another', async () => {
      const device = await start()
      const a = await device('cam-a', [tellsOf(SITE)])
      const liar = await device('cam-l')
      await publish(liar.client, at('cam-b', 'tell'), 'lie')
      const b = await device('cam-b')
      await publish(b.client, at('cam-b', 'tell'), 'truth')
      expect(await a.hears(`${at('cam-b', 'tell')} truth`)).toEqual([`${at('cam-b', 'tell')} truth`])
    })

    it('none reads anything else of another', async () => {
      const device = await start()
      const others: Verb[] = ['infer', 'reply', 'birth', 'state', 'sample']
      const filters = [
        ...others.flatMap((verb) => [`isthmus/1/${SITE}/+/${verb}`, at('cam-b', verb)]),
        `isthmus/1/${SITE}/#`,
        `isthmus/1/${SITE}/cam-b/#`,
        '#',
      ]
      const spy = await device('cam-a', [tellsOf(SITE), ...filters])
      const b = await device('cam-b')
      for (const verb of others) await publish(b.client, at('cam-b', verb), 'mine')
      await publish(b.client, at('cam-b', 'tell'), 'ours')
      const heard = await spy.hears(`${at('cam-b', 'tell')} ours`)
      expect(new Set(heard)).toEqual(new Set([`${at('cam-b', 'tell')} ours`]))
    })
  })
}

contract('the broker inside', embedded)
contract('Mosquitto with the rules of the page', mosquitto, mosquittoInstalled)
