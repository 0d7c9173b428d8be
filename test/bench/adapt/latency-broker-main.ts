import { createServer } from 'node:net'
import { decodeMessage, encodeMessage, type MessageFields, parseTopic, topic } from '@isthmus/proto'
import { Aedes } from 'aedes'

// A broker in a process of its own, with a server that answers probes, takes samples, and sends patches when it is told to. Its arguments:
// name, version and key of the bundle.

const [name = '', version = '', key = '0'] = process.argv.slice(2)
const broker = await Aedes.createBroker()
const server = createServer(broker.handle)
let samples = 0

function publish(at: string, message: MessageFields, payload = new Uint8Array(0), retain = false): void {
  const packet = Buffer.from(encodeMessage(message, payload))
  broker.publish({ cmd: 'publish', topic: at, payload: packet, qos: 0, retain, dup: false }, () => {})
}

const bundles = [{ name, version, key: Number(key) }]
publish(
  topic('default', 'edge', 'birth'),
  { envelope: { boot: 1 }, body: { kind: 'birth', software: 'bench', bundles, credits: 8, epoch: 1 } },
  undefined,
  true,
)
publish(
  topic('default', 'edge', 'state'),
  { envelope: { boot: 1 }, body: { kind: 'state', presence: 'online' } },
  undefined,
  true,
)

broker.on('publish', ({ topic: at, payload }, client) => {
  const verb = parseTopic(at)?.verb
  if (!client || (verb !== 'infer' && verb !== 'sample')) return
  if (verb === 'sample') {
    samples++
    return
  }
  const { envelope } = decodeMessage(payload as Buffer)
  const body = { kind: 'probeReply', echoUs: envelope.sentUs, receivedUs: 1, epoch: 1 } as const
  publish(topic('default', client.id, 'reply'), {
    envelope: { id: envelope.id, boot: 1 },
    body: { ...body, probeBytes: payload.length },
  })
})

process.on(
  'message',
  (order: { topic: string; family: number; version: number; patch: string } | 'count') => {
    if (order === 'count') {
      process.send!({ samples })
      return
    }
    const { family, version: patchVersion } = order
    const body = { kind: 'patch', family, version: patchVersion, epoch: 1 } as const
    publish(order.topic, { envelope: { boot: 1 }, body }, Buffer.from(order.patch, 'base64'))
  },
)
server.listen(0, '127.0.0.1', () => process.send!({ port: (server.address() as { port: number }).port }))
