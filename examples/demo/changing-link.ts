import type { ShapedLink } from '@isthmus/device-sdk/testing'
import type { Manifest } from '@isthmus/models/bundle'
import { type Preference, quantile } from '@isthmus/policies'
import type { Photographs } from '../photographs.ts'
import type { DeviceProcess } from './device-process.ts'
import type { DemoOptions } from './options.ts'
import type { Answered } from './orders.ts'
import { accuracyText, fromServer } from './routes.ts'
import { paint, print, show } from './screen.ts'
import { alignColumns } from './table.ts'

/** A part of the stream during which the link had one rate. */
export interface Phase {
  readonly rateBps: number
  readonly answers: readonly Answered[]
}

/** The rates one after the other, in parts of the link's own. */
const SHARES = [4, 1, 0.2, 0.08, 1]

/** Long enough for the estimate of the link to follow. */
const LEAST_PHASE_S = 5

/** One stream of frames, over a link whose rate changes while it runs; without a preference the built-in controller decides. */
export async function playChangingLink(
  device: DeviceProcess,
  link: ShapedLink,
  { frames, fps, rateBps }: DemoOptions,
  preference?: Preference,
): Promise<Phase[]> {
  const perPhase = Math.ceil(Math.max(LEAST_PHASE_S * fps, frames / SHARES.length))
  const phases = SHARES.map((share) => ({ rateBps: share * rateBps, answers: [] as Answered[] }))
  const use = ({ rateBps }: Phase) => link.setRate({ uplinkBps: rateBps, downlinkBps: rateBps })
  let at = 0
  use(phases[0]!)
  await device.stream(
    { frames: perPhase * phases.length, fps, ...(preference ? { preference } : {}) },
    {
      onAnswer: (answered) => {
        phases[Math.floor(answered.index / perPhase)]!.answers.push(answered)
        const now = Math.min(phases.length - 1, Math.floor((answered.index + 1) / perPhase))
        if (now > at) {
          at = now
          use(phases[at]!)
        }
        show(`  ${phases[at]!.rateBps / 1000} kbit/s: ${answered.bytesUp} bytes, ${answered.label}`)
      },
    },
  )
  link.setRate({ uplinkBps: rateBps, downlinkBps: rateBps })
  return phases
}

/** Prints what the device chose at each rate, and what came of it. */
export function tellChangingLink(
  phases: readonly Phase[],
  { modes, labels }: Manifest,
  photographs: Photographs,
  { deadlineMs }: DemoOptions,
): void {
  const header = ['link', 'accuracy', 'bytes up', 'answer ms', 'late', 'by server', 'modes']
  const rows = phases.map(({ rateBps, answers }) => {
    const right = rightAnswers(answers, labels, photographs)
    const times = answers.map(({ wallMs }) => wallMs)
    const bytes = answers.reduce((sum, { bytesUp }) => sum + bytesUp, 0)
    return [
      `${(rateBps / 1000).toFixed(0)} kbit/s`,
      accuracyText(right, answers.length),
      (bytes / Math.max(1, answers.length)).toFixed(0),
      `${quantile(times, 0.5).toFixed(0)} / ${quantile(times, 0.99).toFixed(0)}`,
      `${times.filter((ms) => ms > deadlineMs).length}`,
      `${answers.filter(fromServer).length}`,
      mostUsed(answers, modes),
    ]
  })
  const [top, ...lines] = alignColumns([header, ...rows])
  print(paint('bold', top!))
  for (const line of lines) print(line)
}

/** How many answers name what the photograph shows. */
export function rightAnswers(
  answers: readonly Answered[],
  labels: readonly string[],
  photographs: Photographs,
): number {
  const count = photographs.labels.length
  return answers.filter(({ index, label }) => label === labels[photographs.labels[index % count]!]).length
}

/** The modes that answered most frames, with their shares. */
export function mostUsed(answers: readonly Answered[], modes: Manifest['modes'], most = 3): string {
  const counts = new Map<number, number>()
  for (const { mode } of answers) counts.set(mode, (counts.get(mode) ?? 0) + 1)
  return [...counts]
    .sort((a, b) => b[1] - a[1])
    .slice(0, most)
    .map(([id, count]) => {
      const name = modes.find((mode) => mode.id === id)?.name ?? `mode ${id}`
      return `${name} ${Math.round((100 * count) / answers.length)} %`
    })
    .join(', ')
}
