import type { KeyObject } from 'node:crypto'
import { join } from 'node:path'
import { IsthmusError } from '@isthmus/proto'
import type { EdgeConfig } from '../config/schema.ts'
import type { AdaptationOptions } from './adaptation.ts'
import type { AdaptableFamily } from './families.ts'
import type { LearnerSetup } from './messages.ts'
import { readProbe } from './probe-folder.ts'
import { Publisher } from './publisher.ts'

/** What the names of a family's files begin with. */
export const fileOf = (folder: string, { hash }: AdaptableFamily): string => join(folder, hash.slice(0, 8))

/** Where patches of a family are made. */
export function openPublisher(
  family: AdaptableFamily,
  privateKey: KeyObject,
  folder: string,
  { config, wallS, log }: Pick<AdaptationOptions, 'config' | 'wallS' | 'log'>,
): Promise<Publisher> {
  const { layout, base, hash } = family
  return Publisher.open(
    `${fileOf(folder, family)}.versions`,
    { layout, base, family: Buffer.from(hash, 'hex'), privateKey, dtype: config.adaptDtype },
    wallS(),
    (reason) =>
      log.error({ family: family.id, reason }, 'the versions that went out are lost: a new epoch begins'),
  )
}

/** What the thread that learns for a family starts with. */
export async function learnerSetup(
  family: AdaptableFamily,
  folder: string,
  config: EdgeConfig,
): Promise<LearnerSetup> {
  const probe = config.adaptProbe && (await probeOf(config.adaptProbe, family))
  const { id, student, foundation, mean, std, lineage } = family
  return {
    ...{ id, student, foundation, mean, std, lineage },
    statePath: `${fileOf(folder, family)}.state`,
    keepsPixels: config.adaptKeep === 'samples',
    threads: config.adaptThreads,
    ...(probe ? { probe } : {}),
  }
}

/** Throws what {@link readProbe} throws, with the name of the setting in front. */
async function probeOf(folder: string, family: AdaptableFamily) {
  try {
    return await readProbe(folder, family, family.labels)
  } catch (error) {
    if (!(error instanceof IsthmusError)) throw error
    throw new IsthmusError(error.code, `adaptProbe: ${error.message}`, { cause: error })
  }
}
