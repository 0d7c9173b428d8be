import type { FallbackCode } from '@isthmus/device-sdk'
import type { Manifest } from '@isthmus/models/bundle'
import { quantile } from '@isthmus/policies'
import type { Answered, StreamOrder } from './orders.ts'
import { alignColumns } from './table.ts'
import { wilsonInterval } from './wilson.ts'

/** One row of the table: a way for all frames, or the device's own choice. */
export interface Scene {
  readonly name: string
  readonly plan: Pick<StreamOrder, 'route' | 'mode'>
}

/**
 * What the device alone and whole images come to; of each head the mode that sends most and the one that sends least; and last the
 * controller, which has all modes.
 */
export function scenesOf({ modes }: Manifest): readonly Scene[] {
  const shown = modes.filter((mode) => {
    if (mode.route !== 'split') return true
    const bytes = modes.flatMap((other) =>
      other.route === 'split' && other.head === mode.head ? [other.payloadBytes] : [],
    )
    return mode.payloadBytes === Math.max(...bytes) || mode.payloadBytes === Math.min(...bytes)
  })
  const fixed = shown.map(({ name, route, id: mode }) => ({ name, plan: { route, mode } }))
  return [...fixed, { name: 'auto', plan: {} }]
}

/** What one scene came to. */
export interface Outcome {
  readonly name: string
  readonly answers: readonly Answered[]
}

const header = [
  'route',
  'accuracy',
  'bytes up',
  'answer ms',
  'device',
  'uplink',
  'server',
  'downlink',
  'waiting',
  'late',
  'by server',
]

/** The table: accuracy with its 95 % interval, bytes for each frame, times as median / 99th percentile. */
export function routesTable(
  outcomes: readonly Outcome[],
  labelOf: (index: number) => string,
  deadlineMs: number,
): string[] {
  return alignColumns([header, ...outcomes.map((outcome) => row(outcome, labelOf, deadlineMs))])
}

function row({ name, answers }: Outcome, labelOf: (index: number) => string, deadlineMs: number): string[] {
  const times = (pick: (answered: Answered) => number) => halfAndNearlyAll(answers.map(pick))
  const right = answers.filter(({ index, label }) => label === labelOf(index)).length
  return [
    name,
    accuracyText(right, answers.length),
    mean(answers.map(({ bytesUp }) => bytesUp)).toFixed(0),
    times(({ wallMs }) => wallMs),
    times(({ stages }) => stages.preprocessMs + stages.headMs + stages.encodeMs + stages.localMs),
    times(({ stages }) => stages.uplinkMs),
    times(({ stages }) => stages.queueMs + stages.decodeMs + stages.tailMs),
    times(({ stages }) => stages.downlinkMs),
    times(({ stages }) => stages.waitMs),
    `${answers.filter(({ wallMs }) => wallMs > deadlineMs).length}`,
    `${answers.filter(fromServer).length}`,
  ]
}

export const fromServer = ({ route }: Answered): boolean => route === 'split' || route === 'edge'

export function accuracyText(right: number, count: number): string {
  const [low, high] = wilsonInterval(right, count)
  return `${percent(right / count)} (${percent(low)}-${percent(high)}) %`
}

/** Why answers that should have come from the server were made on the device, the most frequent first. */
export function fallbackCounts(answers: readonly Answered[]): readonly (readonly [FallbackCode, number])[] {
  const counts = new Map<FallbackCode, number>()
  for (const { fallback } of answers) {
    if (fallback) counts.set(fallback, (counts.get(fallback) ?? 0) + 1)
  }
  return [...counts].sort((a, b) => b[1] - a[1])
}

const percent = (share: number): string => (100 * share).toFixed(1)
const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length)
const halfAndNearlyAll = (ms: readonly number[]): string =>
  `${quantile(ms, 0.5).toFixed(0)} / ${quantile(ms, 0.99).toFixed(0)}`
