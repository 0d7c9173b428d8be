import { median, medianInterval } from '../statistics.ts'
import type { Detail, SuiteContext } from '../suite.ts'
import { payloadBytes, tailModel } from './bundles.ts'
import { Fleet } from './fleet.ts'
import { RawTails } from './raw-tails.ts'

const TAIL_MS = 10
const RAMP_MS = 400
const DEVICES = 8
export const WORKERS = 2

/**
 * A tail of about 10 ms: as many convolutions as take that long when `WORKERS` threads run it at once, which is how it
 * will run.
 */
export async function calibratedTail(
  context: SuiteContext,
): Promise<{ model: Uint8Array; convolutions: number; ms: number }> {
  let convolutions = 16
  for (let attempt = 0; ; attempt++) {
    const model = tailModel(convolutions)
    const raw = await RawTails.open(model, WORKERS)
    const rates = [await raw.run(300), await raw.run(300), await raw.run(300)]
    await raw.close()
    const ms = (1000 * WORKERS) / median(rates)
    if (attempt === 3 || Math.abs(ms - TAIL_MS) < 1) return { model, convolutions, ms }
    context.say(`${convolutions} convolutions take ${ms.toFixed(1)} ms`)
    convolutions = Math.max(1, Math.round((convolutions * TAIL_MS) / ms))
  }
}

const sumOf = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0)

/** Rounds of the bare session and of the server in turns, so that what disturbs the machine disturbs both. */
export async function measureThroughput(
  context: SuiteContext,
  server: { readonly broker: string; readonly bundle: number; readonly lightBundle: number },
  tail: { readonly model: Uint8Array; readonly convolutions: number; readonly ms: number },
): Promise<{ tailThroughputRatio: number; rawPerSecond: number; detail: Detail }> {
  const { rounds, durationMs, warmUpMs } = context.quick
    ? { rounds: 3, durationMs: 1200, warmUpMs: 2000 }
    : { rounds: 9, durationMs: 4000, warmUpMs: 15_000 }
  const raw = await RawTails.open(tail.model, WORKERS)
  const fleet = await Fleet.start(server.broker, DEVICES)
  const errors: Record<string, number> = {}
  let warmUpRequests = 0
  const [bare, served, ratios, shares]: number[][] = [[], [], [], []]
  try {
    // A server that has been up for a while: at 200 requests a second its code would be compiled after half a minute only.
    const warmUp = await fleet.run(server.lightBundle, RAMP_MS, warmUpMs)
    warmUpRequests = sumOf(warmUp.answered)
    await fleet.run(server.bundle, RAMP_MS, RAMP_MS)
    bare!.push(await raw.run(durationMs))
    for (let round = 0; round < rounds; round++) {
      const report = await fleet.run(server.bundle, RAMP_MS, durationMs)
      bare!.push(await raw.run(durationMs))
      const answered = sumOf(report.answered)
      served!.push((1000 * answered) / report.elapsedMs)
      shares!.push((DEVICES * Math.min(...report.answered)) / answered)
      for (const [code, times] of Object.entries(report.errors)) errors[code] = (errors[code] ?? 0) + times
      // The bare rounds just before and just after it.
      ratios!.push(served!.at(-1)! / ((bare!.at(-1)! + bare!.at(-2)!) / 2))
      context.say(
        `round ${round + 1} of ${rounds}: ${served!.at(-1)!.toFixed(1)} of ${bare!.at(-1)!.toFixed(1)} per second`,
      )
    }
  } finally {
    await fleet.close()
    await raw.close()
  }
  return {
    tailThroughputRatio: median(ratios!),
    rawPerSecond: median(bare!),
    detail: {
      devices: DEVICES,
      outstandingPerDevice: 1,
      workers: WORKERS,
      payloadBytes,
      tail: { convolutions: tail.convolutions, ms: tail.ms },
      warmUpRequests,
      rounds,
      roundMs: durationMs,
      servedPerSecond: median(served!),
      rawPerSecond: median(bare!),
      ratioInterval95: medianInterval(ratios!),
      ratioRange: [Math.min(...ratios!), Math.max(...ratios!)],
      /** Answers of the device that got fewest, as a part of an even share. */
      leastShare: Math.min(...shares!),
      errors,
      sharedCores:
        'served: two tail threads, the event loop of isthmus-edge (broker and dispatch) and the process of the eight ' +
        'devices share the cores of this machine; raw: two threads, each with one session in a tight loop, and nothing else',
    },
  }
}
