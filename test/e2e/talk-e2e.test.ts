import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import {
  connectPipeline,
  type PipelineAnswer,
  type PipelineStats,
  type RunOptions,
} from '@isthmus/device-sdk'
import { networkKey } from '@isthmus/policies/com-ddpg/served'
import { encodeMessage, serverKey, topic } from '@isthmus/proto'
import mqtt from 'mqtt'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EdgeDaemon, ended } from './edge-daemon.ts'
import { Mosquitto, mosquittoInstalled } from './mosquitto.ts'
import { someAgents } from './some-agents.ts'
import type { TalkOrder, TalkReport } from './talk-main.ts'
import { type TinyPipeline, writeTinyPipeline } from './tiny-pipeline.ts'

/** A test's side of a device process that talks. */
class TalkingProcess {
  readonly #child: ChildProcess = fork(fileURLToPath(new URL('talk-main.js', import.meta.url)), {
    serialization: 'advanced',
  })

  async connect(id: string, broker: string, folder: string): Promise<boolean> {
    const report = await this.#ask({ kind: 'connect', id, broker, folder })
    return report.kind === 'server' && report.ready
  }

  async run(seed: number, options: RunOptions = {}): Promise<PipelineAnswer> {
    const report = await this.#ask({ kind: 'run', seed, options })
    if (report.kind !== 'answered') throw new Error(report.kind === 'failed' ? report.message : report.kind)
    return report.answer
  }

  async talk(): Promise<NonNullable<PipelineStats['talk']>> {
    const report = await this.#ask({ kind: 'stats' })
    if (report.kind !== 'stats' || !report.stats.talk) throw new Error(report.kind)
    return report.stats.talk
  }

  /** Begins a run, and dies before it has ended. */
  async dieRunning(seed: number): Promise<void> {
    this.#child.send({ kind: 'run', seed, options: {} } satisfies TalkOrder)
    await this.end()
  }

  end(): Promise<void> {
    return ended(this.#child, 'SIGKILL')
  }

  async #ask(order: TalkOrder): Promise<TalkReport> {
    const answered = once(this.#child, 'message') as Promise<[TalkReport]>
    this.#child.send(order)
    return (await answered)[0]
  }
}

let tiny: TinyPipeline
let expected: string
beforeAll(async () => {
  tiny = await writeTinyPipeline()
  const pipeline = await connectPipeline({ id: 'alone', pipeline: tiny.dir, deadlineMs: 5000 })
  const image = Float32Array.from({ length: 48 }, (_, at) => Math.sin(3 + at))
  expected = textOf(await pipeline.run({ image }))
  await pipeline.close()
})
afterAll(() => rm(tiny.root, { recursive: true }))

const textOf = ({ outputs }: PipelineAnswer) =>
  JSON.stringify(Object.entries(outputs).map(([name, { data }]) => [name, [...data]]))

/** Floods and lies: the wildest values, garbage, what others should have said, and that without a pause. */
async function troublemaker(url: string) {
  const client = await mqtt.connectAsync(url, { clientId: 'cam-x', reconnectPeriod: 50 })
  client.on('error', () => {})
  let sequence = 0
  const timer = setInterval(() => {
    for (let n = 0; n < 20; n++) {
      const value = 127 + (sequence % 3)
      const body = {
        network: networkKey(someAgents()),
        servers: [serverKey('edge')],
        sent: new Uint8Array(6).fill(value),
        deciding: new Uint8Array(12).fill(256 - value),
        allowed: 3,
      }
      const packet = encodeMessage({
        envelope: { boot: 1, sequence: ++sequence },
        body: { kind: 'tell', ...body },
      })
      if (n % 5 === 0) packet[packet.length >> 1]! ^= 255
      client.publish(topic('default', 'cam-x', 'tell'), Buffer.from(packet))
    }
    if (sequence % 2000 === 0) client.publish(topic('default', 'cam-a', 'tell'), Buffer.of(1))
  }, 10)
  return async () => {
    clearInterval(timer)
    await client.endAsync(true)
  }
}

describe.each([
  { broker: 'the broker inside', outside: false },
  { broker: 'Mosquitto', outside: true },
])('devices that talk over $broker', ({ outside }) => {
  it.skipIf(outside && !mosquittoInstalled)(
    'hear each other, and answer rightly when one dies, and when another floods and lies',
    async () => {
      const ending: (() => Promise<unknown>)[] = []
      try {
        const mosquitto = outside ? await Mosquitto.start() : undefined
        if (mosquitto) ending.push(() => mosquitto.kill())
        const given = mosquitto && `mqtt://127.0.0.1:${mosquitto.port}`
        const edge = await EdgeDaemon.start(
          tiny.root,
          given ? ['--broker', given] : ['--mqtt-port', '0'],
          'pipelines',
        )
        ending.push(() => edge.kill())
        const url = given ?? `mqtt://127.0.0.1:${edge.mqttPort}`
        const [a, b] = [new TalkingProcess(), new TalkingProcess()]
        for (const device of [a, b]) ending.push(() => device.end())
        expect(
          await Promise.all([a.connect('cam-a', url, tiny.dir), b.connect('cam-b', url, tiny.dir)]),
        ).toEqual([true, true])
        const sees = async (device: TalkingProcess, what: RegExp) => {
          for (;;) {
            const answer = await device.run(3)
            expect(textOf(answer)).toBe(expected)
            expect(answer.late).toBe(false)
            if (what.test(answer.reason)) return
          }
        }

        // Each hears the other: one keeps running until the other has heard it.
        for (const [one, other] of [
          [a, b],
          [b, a],
        ] as const) {
          for (;;) {
            const answer = await one.run(3, { placement: { detect: 'edge' } })
            expect(textOf(answer)).toBe(expected)
            if ((await other.talk()).heard > 1) break
          }
          await sees(other, /^agents: .* 1 other heard$/)
        }

        await a.dieRunning(3)
        await sees(b, /0 others heard$/)

        ending.push(await troublemaker(url))
        await sees(b, /1 other heard$/)
        for (;;) {
          await sees(b, /./)
          const { flooded, unreadable } = await b.talk()
          if (flooded > 100 && unreadable > 10) break
        }
        expect((await b.talk()).malformed).toBe(0)
      } finally {
        for (const end of ending.reverse()) await end()
      }
    },
  )
})
