import { rm } from 'node:fs/promises'
import type { PipelineAnswer } from '@isthmus/device-sdk'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EdgeDaemon } from './edge-daemon.ts'
import { Mosquitto, mosquittoInstalled } from './mosquitto.ts'
import { alone, bytesOf, PipelineProcess } from './pipeline-process.ts'
import { type TinyPipeline, writeTinyPipeline } from './tiny-pipeline.ts'

let tiny: TinyPipeline
beforeAll(async () => {
  tiny = await writeTinyPipeline()
})
afterAll(() => rm(tiny.root, { recursive: true }))

const hostsOf = ({ stages }: PipelineAnswer) => stages.map(({ id, host }) => `${id}:${host}`).join(' ')
const placements = [
  { detect: 'device', crop: 'edge', classify: 'device' },
  { detect: 'edge', crop: 'device', classify: 'edge' },
  { detect: 'device', crop: 'edge', classify: 'edge' },
  { detect: 'edge', crop: 'edge', classify: 'edge' },
] as const

describe.each([
  { broker: 'the broker inside', outside: false },
  { broker: 'Mosquitto', outside: true },
])('pipelineE2E over $broker', ({ outside }) => {
  it.skipIf(outside && !mosquittoInstalled)(
    'stages on both sides give bit for bit what the device alone gives, also when the server dies',
    async () => {
      const ending: (() => Promise<unknown>)[] = []
      try {
        const mosquitto = outside ? await Mosquitto.start() : undefined
        if (mosquitto) ending.push(() => mosquitto.kill())
        const url = mosquitto && `mqtt://127.0.0.1:${mosquitto.port}`
        const flags = url ? ['--broker', url] : ['--mqtt-port', '0']
        const edge = await EdgeDaemon.start(tiny.root, flags, 'pipelines')
        ending.push(() => edge.kill())
        const device = new PipelineProcess()
        ending.push(() => device.end())
        expect(await device.connect(url ?? `mqtt://127.0.0.1:${edge.mqttPort}`, tiny.dir)).toBe(true)

        const expected = await alone(tiny, [0, 1, 2, 3, 4])
        for (const [seed, placement] of placements.entries()) {
          const answer = await device.run(seed, { placement })
          expect(bytesOf(answer)).toEqual(expected[seed])
          const planned = Object.entries(placement).map(([id, host]) => `${id}:${host}`)
          expect(hostsOf(answer)).toBe(planned.join(' '))
          expect(answer.fallback).toBeUndefined()
        }
        // detect, and then crop's result and detect's own: 48, and 2 × 32 numbers.
        const [twice, once] = [
          await device.run(1, { placement: placements[1] }),
          await device.run(1, { placement: placements[3] }),
        ]
        expect([twice.replies, once.replies]).toEqual([2, 1])
        expect(once.bytesUp - 4 * 48).toBeLessThanOrEqual(64)
        expect(once.bytesDown - 4 * (32 + 8)).toBeLessThanOrEqual(72)
        expect(await edge.metric('replies_total', { route: 'stages' })).toBe(8)
        expect(await edge.metric('stage_ms_count', { pipeline: 'tiny@1.0.0', stage: 'classify' })).toBe(5)

        // It takes the request, and dies with it.
        edge.freeze()
        const running = device.run(4, { placement: placements[3], deadlineMs: 1500 })
        await edge.kill()
        const answer = await running
        expect(bytesOf(answer)).toEqual(expected[4])
        expect(hostsOf(answer)).toBe('detect:device crop:device classify:device')
        expect(answer.fallback).toBeDefined()
      } finally {
        for (const end of ending.reverse()) await end()
      }
    },
  )
})
