import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Measurement, Suite, SuiteContext } from '../suite.ts'
import { tailModel, writeBenchBundle } from './bundles.ts'
import { EdgeProcess } from './edge-process.ts'
import { measureOverhead } from './overhead.ts'
import { calibratedTail, measureThroughput, WORKERS } from './throughput.ts'

async function withEdge<T>(
  bundles: string,
  settings: readonly string[],
  use: (edge: EdgeProcess) => Promise<T>,
): Promise<T> {
  const edge = await EdgeProcess.start(bundles, WORKERS, settings)
  try {
    return await use(edge)
  } finally {
    await edge.stop()
  }
}

async function measure(context: SuiteContext): Promise<Measurement> {
  const { quick, say } = context
  const folder = await mkdtemp(join(tmpdir(), 'isthmus-bench-'))
  try {
    say('finding a tail of 10 ms')
    const tail = await calibratedTail(context)
    const light = await writeBenchBundle(folder, 'bench-light', tailModel(0))
    const heavy = await writeBenchBundle(folder, 'bench-heavy', tail.model)
    const throughputOf = ({ brokerUrl: broker }: EdgeProcess) =>
      measureThroughput(context, { broker, bundle: heavy.key, lightBundle: light.key }, tail)

    const { overhead, throughput } = await withEdge(folder, [], async (edge) => {
      say('measuring single frames')
      const [frames, warmUp] = quick ? [1000, 300] : [5000, 1000]
      const single = await measureOverhead(edge.brokerUrl, join(folder, 'bench-light'), frames, warmUp)
      say('measuring throughput')
      return { overhead: single, throughput: await throughputOf(edge) }
    })
    if (!quick) say('measuring throughput without batches')
    const alone = quick ? undefined : await withEdge(folder, ['--max-batch', '1'], throughputOf)

    const { overheadMsP50, overheadMsP99, envelopeBytes, stageSumErrorPct } = overhead
    const { tailThroughputRatio, rawPerSecond } = throughput
    return {
      figures: { overheadMsP50, overheadMsP99, envelopeBytes, tailThroughputRatio, stageSumErrorPct },
      peers: { rawSession: { inferencesPerSecond: rawPerSecond, threads: WORKERS } },
      detail: {
        overhead: overhead.detail,
        throughput: throughput.detail,
        withoutBatches: alone && { tailThroughputRatio: alone.tailThroughputRatio, detail: alone.detail },
      },
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
