import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'
import { afterEach, describe, expect, it } from 'vitest'
import { EmbeddedBroker } from './embedded.ts'
import { ExternalBroker } from './external.ts'
import { mosquittoInstalled, startMosquitto } from './mosquitto.test.support.ts'
import type { Transport } from './transport.ts'

interface Setting {
  readonly transport: Transport
  /** Where devices connect. */
  readonly url: string
  close(): Promise<void>
}

const SITE = 'yard'
const at = (device: string, verb: string) => `isthmus/1/${SITE}/${device}/${verb}`

async function embedded(scheme: 'mqtt' | 'ws'): Promise<Setting> {
  const transport = await EmbeddedBroker.open({
    site: SITE,
    host: '127.0.0.1',
    mqttPort: 0,
    wsPort: 0,
    maxMessageBytes: 131_072,
    maxConnections: 100,
    packetsPerSecond: 500,
    maxDevices: 100,
    onRefusal: () => {},
    onTakeover: () => {},
  })
  const port = scheme === 'mqtt' ? transport.mqttPort : transport.wsPort
  return { transport, url: `${scheme}://127.0.0.1:${port}`, close: () => transport.close() }
}

async function mosquitto(): Promise<Setting> {
  const broker = await startMosquitto()
  const transport = await ExternalBroker.open({
    url: broker.url,
    clientId: 'edge-test',
    will: { topic: at('edge', 'state'), packet: Uint8Array.of(0) },
    onConnection: () => {},
  })
  const close = async () => {
    await transport.close()
    await broker.stop()
  }
  return { transport, url: broker.url, close }
}

/** What every transport promises, whoever is the broker. */
function contract(name: string, open: () => Promise<Setting>, installed = true): void {
  describe.skipIf(!installed)(`a transport over ${name}`, () => {
    const closing: (() => Promise<unknown>)[] = []
    afterEach(async () => {
      for (const close of closing.splice(0).reverse()) await close()
    })

    async function start() {
      const setting = await open()
      closing.push(() => setting.close())
      const heard: { topic: string; packet: Buffer; retained: boolean }[] = []
      let notify = () => {}
      setting.transport.onMessage((topic, packet, retained) => {
        heard.push({ topic, packet: Buffer.from(packet), retained })
        notify()
      })
      const hears = async (count: number) => {
        while (heard.length < count) await new Promise<void>((resolve) => (notify = resolve))
        return heard
      }
      const device = async (clientId: string, options: IClientOptions = {}): Promise<MqttClient> => {
        const client = await mqtt.connectAsync(setting.url, { clientId, reconnectPeriod: 0, ...options })
        closing.push(() => client.endAsync(true))
        return client
      }
      return { ...setting, hears, device }
    }

    const next = (client: MqttClient) =>
      new Promise<{ topic: string; packet: Buffer; retained: boolean }>((resolve) => {
        client.once('message', (topic, packet, { retain }) => resolve({ topic, packet, retained: retain }))
      })

    it('hears what devices publish, byte for byte, and in order', async () => {
      const { transport, hears, device } = await start()
      await transport.subscribe([at('+', 'infer')])
      const camera = await device('cam')
      const large = Buffer.from(Array.from({ length: 131_000 }, (_, index) => index % 251))
      camera.publish(at('cam', 'infer'), large)
      for (let n = 0; n < 200; n++) camera.publish(at('cam', 'infer'), Buffer.of(n))
      const heard = await hears(201)
      expect(heard[0]!.topic).toBe(at('cam', 'infer'))
      expect(heard[0]!.packet.equals(large)).toBe(true)
      expect(heard.slice(1).map(({ packet }) => packet[0])).toEqual(Array.from({ length: 200 }, (_, n) => n))
    })

    it('hears only what it has asked for', async () => {
      const { transport, hears, device } = await start()
      await transport.subscribe([at('+', 'state')])
      const camera = await device('cam')
      camera.publish(at('cam', 'infer'), Buffer.of(1))
      camera.publish(at('cam', 'state'), Buffer.of(2))
      expect((await hears(1)).map(({ packet }) => packet[0])).toEqual([2])
    })

    it('reaches a device at its own topics', async () => {
      const { transport, device } = await start()
      const camera = await device('cam')
      await camera.subscribeAsync(at('cam', 'reply'))
      const message = next(camera)
      await transport.publish(at('cam', 'reply'), Uint8Array.of(7, 0, 255))
      expect(await message).toMatchObject({ topic: at('cam', 'reply'), retained: false })
      expect([...(await message).packet]).toEqual([7, 0, 255])
    })

    it('reaches no device at topics that it has left, and the later of two connections with one id', async () => {
      const { transport, device } = await start()
      const reply = at('cam', 'reply')
      const camera = await device('cam')
      await camera.subscribeAsync(reply)
      await camera.unsubscribeAsync(reply)
      // Acknowledged, so the broker is done with it: two connections have no order of their own.
      await transport.publish(reply, Uint8Array.of(1), { qos: 1 })
      await camera.subscribeAsync(reply)
      const first = next(camera)
      await transport.publish(reply, Uint8Array.of(2))
      expect((await first).packet[0]).toBe(2)
      const successor = await device('cam')
      await successor.subscribeAsync(reply)
      const second = next(successor)
      await transport.publish(reply, Uint8Array.of(3))
      expect((await second).packet[0]).toBe(3)
    })

    it('leaves retained messages for those who come later, the latest only', async () => {
      const { transport, device } = await start()
      for (const byte of [1, 2]) {
        await transport.publish(at('edge', 'birth'), Uint8Array.of(byte), { qos: 1, retain: true })
      }
      const camera = await device('cam')
      const message = next(camera)
      await camera.subscribeAsync(at('edge', 'birth'), { qos: 1 })
      expect(await message).toMatchObject({ retained: true, packet: Buffer.of(2) })
    })

    it('hears the will of a device that is gone without a word', async () => {
      const { transport, hears, device } = await start()
      await transport.subscribe([at('+', 'state')])
      const will = { topic: at('cam', 'state'), payload: Buffer.of(9), qos: 1 as const, retain: true }
      const camera = await device('cam', { will })
      camera.stream.destroy()
      expect((await hears(1))[0]!.packet[0]).toBe(9)
    })

    it('goes on with one device when another is cut off in the middle of a message', async () => {
      const { transport, hears, device } = await start()
      await transport.subscribe([at('+', 'infer')])
      const broken = await device('cam-1')
      const sound = await device('cam-2')
      broken.stream.write(Buffer.of(0x30, 0x7f, 0x00))
      broken.stream.destroy()
      sound.publish(at('cam-2', 'infer'), Buffer.of(5))
      expect((await hears(1))[0]).toMatchObject({ topic: at('cam-2', 'infer') })
    })

    it('does not fail when it is told to publish after its end', async () => {
      const { transport, close } = await start()
      await close()
      closing.length = 0
      await transport.publish(at('cam', 'reply'), Uint8Array.of(1))
    })
  })
}

contract('the broker inside, TCP', () => embedded('mqtt'))
contract('the broker inside, WebSocket', () => embedded('ws'))
contract('Mosquitto', mosquitto, mosquittoInstalled)
