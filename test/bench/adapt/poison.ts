import { join } from 'node:path'
import { FAIRNESS, judgeSettings } from '@isthmus/edge-server/adaptation'
import { loadBundle } from '@isthmus/models/bundle'
import {
  type CorruptionType,
  corruptImages,
  type LabelledImages,
  loadCifar10,
  seededRandom,
  sliceImages,
} from '@isthmus/models/data'
import { readModel } from '@isthmus/models/onnx'
import type { Part } from '../part.ts'
import type { FigureSpec, SuiteContext } from '../suite.ts'
import { attacksOn } from './poison-attacks.ts'
import {
  type Defence,
  noDefence,
  type PoisonNetworks,
  type PoisonResult,
  runPoisonedFleet,
} from './poison-fleet.ts'

export const poisonFigures: readonly FigureSpec[] = [
  {
    name: 'poisonDropPts',
    meaning:
      'accuracy lost, in points, when 2 of 20 devices upload poison (mislabelled in effect, noise, floods); the worst attack',
    target: { atMost: 2 },
    kind: 'result',
  },
]

const DEVICES = 20
const HOSTILE = 2
const defence: Defence = { judge: judgeSettings, fairness: FAIRNESS, perSecond: 5 }

/** A fleet of twenty under one corruption, with and without two hostile devices; each attack with and without the defences. */
export async function measurePoison({ quick, bundles, threads, say }: SuiteContext): Promise<Part> {
  const { train, test } = await loadCifar10()
  const networks = await poisonNetworks(bundles)
  const corruptions: readonly CorruptionType[] = quick ? ['fog'] : ['gaussian_noise', 'fog']
  const seeds = quick ? [1] : [1, 2, 3]
  const sizes = quick ? { stream: 768, trial: 500, pool: 100 } : { stream: 2560, trial: 1500, pool: 1500 }
  const rows: Row[] = []
  for (const type of corruptions) {
    for (const seed of seeds) {
      const corrupted = (images: LabelledImages) => corruptImages(images, { type, severity: 5 }, seed)
      const stream = corrupted(sliceImages(test, 0, sizes.stream))
      const trial = corrupted(sliceImages(test, test.count - sizes.trial, test.count))
      const pool = corrupted(sliceImages(train, 0, sizes.pool))
      const base = { networks, stream, trial, devices: DEVICES, hostile: HOSTILE, seed, threads }
      const peaceful = await runPoisonedFleet({ ...base, floodFactor: 0, defence })
      say(`${type}, seed ${seed}: ${peaceful.accuracy.toFixed(1)} % without an attack`)
      const attacks = await attacksOn(networks, pool, seededRandom(seed, 3), threads)
      for (const [name, { attack, floodFactor }] of Object.entries(attacks)) {
        // A handful of steps shows the attack that is fastest to do harm.
        if (quick && name !== 'noise flood') continue
        // Without the defences one seed is enough to see what they are worth.
        for (const isDefended of seed > 1 ? [true] : [true, false]) {
          const run = { ...base, attack, floodFactor, defence: isDefended ? defence : noDefence }
          const result = await runPoisonedFleet(run)
          rows.push({ type, seed, attack: name, isDefended, peaceful: peaceful.accuracy, ...result })
          say(`  ${name}${isDefended ? '' : ', undefended'}: ${result.accuracy.toFixed(1)} %`)
        }
      }
    }
  }
  const drops = dropsByAttack(rows.filter(({ isDefended }) => isDefended))
  const undefended = dropsByAttack(rows.filter(({ isDefended }) => !isDefended))
  return {
    figures: { poisonDropPts: Math.max(...Object.values(drops)) },
    // A few steps on a few images are no measure of points.
    ...(quick ? { verdicts: { poisonDropPts: null } } : {}),
    detail: {
      poison: {
        devices: DEVICES,
        hostile: HOSTILE,
        severity: 5,
        seeds,
        drops,
        undefended,
        rows: rows.map((row) => ({ ...row })),
      },
    },
  }
}

type Row = PoisonResult & {
  readonly type: string
  readonly seed: number
  readonly attack: string
  readonly isDefended: boolean
  /** Accuracy without an attack. */
  readonly peaceful: number
}

/** Mean loss of accuracy, in points, by attack. */
function dropsByAttack(rows: readonly Row[]): Readonly<Record<string, number>> {
  const drops: Record<string, number> = {}
  for (const attack of new Set(rows.map((row) => row.attack))) {
    const some = rows.filter((row) => row.attack === attack)
    drops[attack] = some.reduce((sum, { peaceful, accuracy }) => sum + peaceful - accuracy, 0) / some.length
  }
  return drops
}

/** The networks of bundle `cifar10-adaptable`. */
export async function poisonNetworks(bundles: string): Promise<PoisonNetworks> {
  const bundle = await loadBundle(join(bundles, 'cifar10-adaptable'), { only: ['local', 'full'] })
  const { mean, std } = bundle.manifest.input
  const network = (role: 'local' | 'full') => readModel(bundle.modelBytes(role))
  return { student: network('local'), foundation: network('full'), mean, std }
}
