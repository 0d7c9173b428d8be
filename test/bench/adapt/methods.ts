import {
  type Adapter,
  type EntropySettings,
  eata,
  entropyAdapter,
  eta,
  type FisherInformation,
  fixedAdapter,
  localStatisticsSettings,
  sar,
  sarAdapter,
  tent,
} from '@isthmus/models/adapt'
import { cemaReleaseSelector, cemaSelector } from '@isthmus/policies/upload'
import { type CemaMethodOptions, cemaMethod } from './cema-method.ts'
import type { Method } from './method.ts'
import type { AdaptNetworks } from './networks.ts'

/** Images at a time, for the methods that normalise by their batch: what their authors use on CIFAR-10. */
const BATCH = 200

export const methodNames = ['source', 'bn-1', 'tent', 'eta', 'eata', 'sar', 'cema', 'cema-release'] as const
export type MethodName = (typeof methodNames)[number]

/**
 * CEMA for this student, chosen on the four held-out kinds of damage (speckle noise, blur, spatter, saturation), not on the fifteen that
 * are measured. Both thresholds lie in the range that the authors explored; they teach by 1 : 1 : 1/3 and a rate of 0.0025.
 */
const cemaForStudent: Pick<CemaMethodOptions, 'settings'> & { lowest: number; factor: number } = {
  lowest: 0.05,
  factor: 0.8,
  settings: {
    studentRate: 0.006,
    statisticsShare: 0.05,
    loss: { alpha: 0.5, beta: 5, gamma: 1, temperature: 1 },
  },
}

/** All that the answers of a method depend on, besides code and networks. */
export const methodSettings = {
  batch: BATCH,
  ...{ tent, eta, eata, sar },
  cema: cemaForStudent,
  statistics: localStatisticsSettings,
} as const

/** A method, fresh. */
export async function openMethod(
  name: MethodName,
  networks: AdaptNetworks,
  fisher: FisherInformation,
  threads: number,
): Promise<Method> {
  const { student } = networks
  const { lowest, factor, settings } = cemaForStudent
  const byEntropy = (settings: EntropySettings) => entropyAdapter(student, settings, fisher, threads)
  switch (name) {
    case 'source':
    case 'bn-1':
      return asMethod(await fixedAdapter(student, name, threads))
    case 'tent':
      return asMethod(byEntropy(tent))
    case 'eta':
      return asMethod(byEntropy(eta))
    case 'eata':
      return asMethod(byEntropy(eata))
    case 'sar':
      return asMethod(sarAdapter(student, undefined, threads))
    case 'cema':
      return cemaMethod(networks, {
        name,
        selector: cemaSelector(student.classes, { lowest, factor }),
        settings,
        threads,
      })
    case 'cema-release':
      return cemaMethod(networks, {
        name,
        selector: cemaReleaseSelector(student.classes),
        settings,
        threads,
      })
  }
}

function asMethod(adapter: Adapter): Method {
  let version = 0
  return {
    name: adapter.method,
    batch: BATCH,
    get version() {
      return version
    },
    async answer(images) {
      const answer = await adapter.answer(images)
      if (answer.selected.some((flag) => flag > 0)) version++
      return answer
    },
    parameters: () => adapter.parameters(),
    dispose: () => adapter.dispose(),
  }
}
