import type { ShapedLink } from '@isthmus/device-sdk/testing'
import type { Manifest } from '@isthmus/models/bundle'
import { frameEnergyJ, type Preference, raspberryPiPower } from '@isthmus/policies'
import type { Photographs } from '../photographs.ts'
import { mostUsed, type Phase, playChangingLink, rightAnswers } from './changing-link.ts'
import type { DeviceProcess } from './device-process.ts'
import type { DemoOptions } from './options.ts'
import type { Answered } from './orders.ts'
import { accuracyText } from './routes.ts'
import { paint, print } from './screen.ts'
import { alignColumns } from './table.ts'

interface Wish {
  readonly name: string
  readonly preference: Preference
}

const wishes: readonly [Wish, Wish] = [
  { name: 'accuracy', preference: { delay: 0.1, energy: 0.1, accuracy: 0.8 } },
  { name: 'energy', preference: { delay: 0.1, energy: 0.8, accuracy: 0.1 } },
]

export interface Player {
  readonly device: DeviceProcess
  readonly link: ShapedLink
}

/** What came of one preference, at each rate of the link. */
export interface Preferred extends Wish {
  readonly phases: readonly Phase[]
}

/** Each device decides by its own preference; both take the same photographs, on links whose rates change alike. */
export function playPreferences(
  players: readonly [Player, Player],
  options: DemoOptions,
): Promise<Preferred[]> {
  return Promise.all(
    players.map(async ({ device, link }, at) => {
      const wish = wishes[at]!
      return { ...wish, phases: await playChangingLink(device, link, options, wish.preference) }
    }),
  )
}

/** Prints both beside each other, and what each chose at each rate. */
export function tellPreferences(
  preferred: readonly Preferred[],
  { modes, labels }: Manifest,
  photographs: Photographs,
  { deadlineMs, delayMs }: DemoOptions,
): void {
  const header = ['preference', 'accuracy', 'bytes up', 'answer ms', 'mJ', 'late', 'modes']
  const rows = preferred.map(({ name, phases }) => {
    const answers = phases.flatMap((phase) => phase.answers)
    const energies = phases.flatMap(({ rateBps, answers }) =>
      answers.map((answered) => energyJ(answered, rateBps, delayMs)),
    )
    return [
      name,
      accuracyText(rightAnswers(answers, labels, photographs), answers.length),
      mean(answers.map(({ bytesUp }) => bytesUp)).toFixed(0),
      mean(answers.map(({ wallMs }) => wallMs)).toFixed(1),
      (1000 * mean(energies)).toFixed(1),
      `${answers.filter(({ wallMs }) => wallMs > deadlineMs).length}`,
      mostUsed(answers, modes),
    ]
  })
  const [top, ...lines] = alignColumns([header, ...rows])
  print(paint('bold', top!))
  for (const line of lines) print(line)
  for (const { name, phases } of preferred) {
    const chosen = phases.map(({ rateBps, answers }) => `${rateBps / 1000}: ${mostUsed(answers, modes, 1)}`)
    print(paint('dim', `${name} at kbit/s ${chosen.join('; ')}`))
  }
  for (const { name, preference } of preferred) {
    const weights = Object.entries(preference).map(([what, weight]) => `${what} ${weight}`)
    print(paint('dim', `${name}: ${weights.join(', ')}`))
  }
  print(
    paint(
      'dim',
      'Means. Energy is worked out from measured times with the power of a Raspberry Pi 4 above idling.',
    ),
  )
}

/** Of a frame that was sent and then answered on the device as well, both parts. */
function energyJ({ stages, bytesUp, route }: Answered, rateBps: number, rttMs: number): number {
  const deviceMs =
    stages.preprocessMs + stages.filterMs + stages.headMs + stages.exitMs + stages.encodeMs + stages.localMs
  const serverMs = stages.queueMs + stages.decodeMs + stages.tailMs
  const times = { route: bytesUp > 0 ? 'split' : route, payloadBytes: bytesUp, deviceMs, serverMs } as const
  return frameEnergyJ(raspberryPiPower, times, { rateBps, rttMs })!
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length)
