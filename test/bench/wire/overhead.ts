import { type Answer, connectDevice } from '@isthmus/device-sdk'
import { quantile } from '@isthmus/policies'
import { type Envelope, encodeMessage, topic } from '@isthmus/proto'
import { median } from '../statistics.ts'
import type { Detail } from '../suite.ts'
import { payloadBytes } from './bundles.ts'

const DEVICE = 'bench-device'
const SITE = 'default'

/** One frame as the caller saw it. */
interface Timed {
  /** From the call of `infer` until its promise was seen to be settled, on the caller's clock. */
  readonly wallMs: number
  readonly answer: Answer
}

export interface OverheadFigures {
  readonly overheadMsP50: number
  readonly overheadMsP99: number
  readonly envelopeBytes: number
  readonly stageSumErrorPct: number
  readonly detail: Detail
}

/**
 * Frames one after the other, split, through a device in this process. Overhead is the caller's wall time less the head
 * and the tail as the answer reports them; codec, broker, dispatch and every hop between threads and processes count.
 */
export async function measureOverhead(
  broker: string,
  bundle: string,
  frames: number,
  warmUp: number,
): Promise<OverheadFigures> {
  const device = await connectDevice({
    id: DEVICE,
    broker,
    bundle,
    deadlineMs: 2000,
    waitForServerMs: 10_000,
  })
  try {
    const frame = { data: new Uint8Array(3 * 32 * 32).map((_, at) => (at * 37) % 256), width: 32, height: 32 }
    const timed: Timed[] = []
    for (let at = 0; at < warmUp + frames; at++) {
      const startMs = performance.now()
      const answer = await device.infer(frame, { route: 'split' })
      const wallMs = performance.now() - startMs
      if (at >= warmUp) timed.push({ wallMs, answer })
    }
    return summary(timed, frames)
  } finally {
    await device.close()
  }
}

function summary(all: readonly Timed[], frames: number): OverheadFigures {
  const timed = all.filter(({ answer }) => answer.route === 'split')
  if (timed.length < 0.99 * frames) {
    const why = all.find(({ answer }) => answer.fallback)?.answer.fallback
    throw new Error(`Only ${timed.length} of ${frames} frames were answered by the server (${why}).`)
  }
  const overheads = timed.map(({ wallMs, answer }) => wallMs - answer.stages.headMs - answer.stages.tailMs)
  const sumErrors = timed.map(({ wallMs, answer }) => (100 * Math.abs(stageSum(answer) - wallMs)) / wallMs)
  const waits = timed.map(({ wallMs, answer }) => (100 * answer.stages.waitMs) / wallMs)
  const envelopes = timed.map(({ answer }) => answer.bytesUp - payloadBytes)
  const stages = Object.keys(timed[0]!.answer.stages) as (keyof Answer['stages'])[]
  return {
    overheadMsP50: median(overheads),
    overheadMsP99: quantile(overheads, 0.99),
    envelopeBytes: Math.max(...envelopes),
    stageSumErrorPct: median(sumErrors),
    detail: {
      frames: timed.length,
      answeredLocally: all.length - timed.length,
      payloadBytes,
      overheadIs: 'wall time of infer() at its caller minus headMs and tailMs of the answer',
      stageMediansMs: Object.fromEntries(
        stages.map((stage) => [stage, median(timed.map(({ answer }) => answer.stages[stage]))]),
      ),
      wallMsP50: median(timed.map(({ wallMs }) => wallMs)),
      stageSumErrorPct: {
        median: median(sumErrors),
        p99: quantile(sumErrors, 0.99),
        max: Math.max(...sumErrors),
      },
      /** Time that no named stage claims is part of the sum, as the stage `waitMs`. */
      waitPct: { median: median(waits), p99: quantile(waits, 0.99) },
      envelope: envelopeDetail(Math.max(...envelopes)),
    },
  }
}

const stageSum = ({ stages }: Answer): number => Object.values(stages).reduce((sum, ms) => sum + ms, 0)

/** What lies around the payload: of the message, at most ever, and of the MQTT packet. */
function envelopeDetail(measuredBytes: number): Detail {
  const most = 2 ** 32 - 1
  const envelope: Partial<Envelope> = {
    id: most,
    boot: most,
    sequence: most,
    budgetUs: 3_600_000_000,
    sentUs: most,
    receiverUs: most,
  }
  const body = {
    kind: 'infer',
    bundle: most,
    mode: 65_535,
    route: 'split',
    scale: 1,
    zeroPoint: 255,
  } as const
  const largest = encodeMessage({ envelope, body }, new Uint8Array(payloadBytes))
  const name = topic(SITE, DEVICE, 'infer')
  const remaining = 2 + name.length + payloadBytes + measuredBytes
  const lengthBytes = remaining < 128 ? 1 : remaining < 16_384 ? 2 : 3
  return {
    measuredMaxBytes: measuredBytes,
    /** Every counter at its end and a dynamic quantiser's range. */
    largestPossibleBytes: largest.length - payloadBytes,
    mqttTopic: name,
    /** Fixed header, topic and envelope. */
    mqttPacketBytesBeyondPayload: 1 + lengthBytes + remaining - payloadBytes,
  }
}
