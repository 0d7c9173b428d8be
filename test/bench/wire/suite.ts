import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Measurement, Suite, SuiteContext } from '../suite.ts'
import { tailModel, writeBenchBundle } from './bundles.ts'
import { EdgeProcess } from './edge-process.ts'
import { measureOverhead } from './overhead.ts'
import { calibratedTail, measureThroughput, WORKERS } from './throughput.ts'

async function measure(context: SuiteContext): Promise<Measurement> {
  const { quick, say } = context
  const folder = await mkdtemp(join(tmpdir(), 'isthmus-bench-'))
  try {
    say('finding a tail of 10 ms')
    const tail = await calibratedTail(context)
    const light = await writeBenchBundle(folder, 'bench-light', tailModel(0))
    const heavy = await writeBenchBundle(folder, 'bench-heavy', tail.model)
    const edge = await EdgeProcess.start(folder, WORKERS)
    try {
      say('measuring single frames')
      const [frames, warmUp] = quick ? [1000, 300] : [5000, 1000]
      const overhead = await measureOverhead(edge.brokerUrl, join(folder, 'bench-light'), frames, warmUp)
      say('measuring throughput')
      const served = { broker: edge.brokerUrl, bundle: heavy.key, lightBundle: light.key }
      const throughput = await measureThroughput(context, served, tail)
      const { overheadMsP50, overheadMsP99, envelopeBytes, stageSumErrorPct } = overhead
      const { tailThroughputRatio, rawPerSecond } = throughput
      return {
        figures: { overheadMsP50, overheadMsP99, envelopeBytes, tailThroughputRatio, stageSumErrorPct },
        peers: { rawSession: { inferencesPerSecond: rawPerSecond, threads: WORKERS } },
        detail: { overhead: overhead.detail, throughput: throughput.detail },
      }
    } finally {
      await edge.stop()
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** What the wire and the server cost, beside what the network computes. */
export const wireSuite: Suite = {
  name: 'wire',
  meaning: 'what crossing costs: one device and eight against isthmus-edge on loopback, payload of 10 kB',
  figures: [
    {
      name: 'overheadMsP50',
      meaning: 'end to end minus head and tail compute, ms, median',
      target: { atMost: 1 },
      kind: 'speed',
    },
    { name: 'overheadMsP99', meaning: 'the same, 99th percentile', target: { atMost: 5 }, kind: 'speed' },
    {
      name: 'envelopeBytes',
      meaning: 'bytes of a request beyond its coded payload',
      target: { atMost: 64 },
      kind: 'result',
    },
    {
      name: 'tailThroughputRatio',
      meaning: 'requests/s of 8 devices ÷ bare session, 2 workers each, tail of 10 ms',
      target: { atLeast: 0.95 },
      kind: 'speed',
    },
    {
      name: 'stageSumErrorPct',
      meaning: 'sum of the stage times against wall time, %',
      target: { atMost: 2 },
      kind: 'speed',
    },
  ],
  measure,
}
