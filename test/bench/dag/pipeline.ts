import { rm } from 'node:fs/promises'
import { EdgeDaemon } from '../../e2e/edge-daemon.ts'
import { alone, bytesOf, PipelineProcess } from '../../e2e/pipeline-process.ts'
import { writeTinyPipeline } from '../../e2e/tiny-pipeline.ts'
import type { Part } from '../part.ts'
import type { FigureSpec } from '../suite.ts'

export const pipelineFigures: readonly FigureSpec[] = [
  {
    name: 'pipelineE2E',
    meaning:
      'three stages across two processes, on both sides, answer as on the device alone, bit for bit: 1 if so',
    target: { atLeast: 1 },
    kind: 'result',
  },
]

const PLACEMENTS = [
  { detect: 'device', crop: 'edge', classify: 'device' },
  { detect: 'edge', crop: 'device', classify: 'edge' },
  { detect: 'device', crop: 'edge', classify: 'edge' },
] as const

/** A real edge daemon, a real device process, three models. */
export async function measurePipeline(): Promise<Part> {
  const tiny = await writeTinyPipeline()
  const edge = await EdgeDaemon.start(tiny.root, ['--mqtt-port', '0'], 'pipelines')
  const device = new PipelineProcess()
  try {
    const expected = await alone(tiny, [...PLACEMENTS.keys()])
    await device.connect(`mqtt://127.0.0.1:${edge.mqttPort}`, tiny.dir)
    const runs = []
    for (const [seed, placement] of PLACEMENTS.entries()) {
      const answer = await device.run(seed, { placement })
      const where = Object.fromEntries(answer.stages.map(({ id, host }) => [id, host as string]))
      const asAsked = Object.entries(placement).every(([id, host]) => where[id] === host)
      const equal = JSON.stringify(bytesOf(answer)) === JSON.stringify(expected[seed])
      runs.push({ where, asAsked, equal })
    }
    return {
      figures: { pipelineE2E: runs.every(({ asAsked, equal }) => asAsked && equal) ? 1 : 0 },
      detail: { pipeline: runs },
    }
  } finally {
    await device.end()
    await edge.kill()
    await rm(tiny.root, { recursive: true })
  }
}
