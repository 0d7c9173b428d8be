import { patchTopic, topic } from '@isthmus/proto'
import mqtt from 'mqtt'
import { afterEach, describe, expect, it } from 'vitest'
import { EmbeddedBroker } from './embedded.ts'

const SITE = 'yard'
const patches = patchTopic(SITE, 'deadbeef')

describe('patches over the broker inside', () => {
  const closing: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })

  async function start() {
    const refusals: string[] = []
    const broker = await EmbeddedBroker.open({
      site: SITE,
      host: '127.0.0.1',
      mqttPort: 0,
      wsPort: 'off',
      maxMessageBytes: 131_072,
      maxConnections: 100,
      packetsPerSecond: 500,
      maxDevices: 2,
      onRefusal: (reason) => refusals.push(reason),
      onTakeover: () => {},
    })
    closing.push(() => broker.close())
    const connect = async (clientId: string) => {
      const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${broker.mqttPort}`, {
        clientId,
        reconnectPeriod: 0,
      })
      closing.push(() => client.endAsync(true))
      client.on('error', () => {})
      return client
    }
    return { broker, connect, refusals }
  }

  it('reach a device that comes late, however many others have come before it', async () => {
    const { broker, connect } = await start()
    await broker.publish(patches, Buffer.from('patch'), { qos: 1, retain: true })
    for (const id of ['cam-1', 'cam-2', 'cam-3', 'cam-4']) {
      const client = await connect(id)
      await client.publishAsync(topic(SITE, id, 'birth'), 'here', { qos: 1, retain: true })
    }
    const late = await connect('cam-late')
    const heard = new Promise<string>((resolve) =>
      late.on('message', (name, payload) => resolve(`${name} ${payload}`)),
    )
    await late.subscribeAsync(patches, { qos: 1 })
    expect(await heard).toBe(`${patches} patch`)
  })

  it.each([patches, topic(SITE, 'cam-1', 'patch'), topic(SITE, 'cam-2', 'patch')])(
    'are written by no device: %s',
    async (name) => {
      const { connect, refusals } = await start()
      const liar = await connect('cam-1')
      const thrownOut = new Promise<void>((resolve) => liar.once('close', () => resolve()))
      liar.publish(name, 'forged', { qos: 1, retain: true }, () => {})
      await thrownOut
      expect(refusals).toEqual(['forbidden-topic'])
    },
  )
})
