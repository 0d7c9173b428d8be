import type { Bundle, ModelRole } from '@isthmus/models/bundle'
import type { Pipeline } from '@isthmus/models/pipeline'
import type { Logger } from 'pino'
import { readBundles } from './bundles.ts'
import type { EdgeConfig } from './config/schema.ts'
import { edgeError } from './errors.ts'
import { readPipelines } from './pipelines.ts'
import type { WorkerBundle } from './tails/messages.ts'
import type { TailPool } from './tails/pool.ts'

/** What a server serves. */
export interface ServedModels {
  readonly bundles: readonly Bundle[]
  readonly pipelines: readonly Pipeline[]
}

/** Reads the folders that the settings name; what cannot be read is logged. Throws NO_BUNDLES or NO_PIPELINES. */
export const readModels = async (config: EdgeConfig, log: Logger): Promise<ServedModels> => ({
  bundles: await bundlesOf(config, log),
  pipelines: await pipelinesOf(config, log),
})

/** What a worker is given of a bundle. */
export const forWorker = (bundle: Bundle, { adapt, adaptSplit }: EdgeConfig): WorkerBundle => ({
  key: bundle.key,
  id: bundle.id,
  manifest: bundle.manifest,
  tail: bundle.manifest.models.tail && bundle.modelBytes('tail'),
  full: bundle.manifest.models.full && bundle.modelBytes('full'),
  decoders: (bundle.manifest.tasks ?? []).flatMap(({ labels, decoders }) =>
    decoders.map(({ id }) => ({ id, labels: labels.length, model: bundle.decoderBytes(id) })),
  ),
  adapts: adapt !== undefined && adaptSplit !== 'off',
})

async function bundlesOf(
  { bundles, pipelines, adapt, adaptSplit }: EdgeConfig,
  logger: Logger,
): Promise<readonly Bundle[]> {
  const folder = bundles ?? (pipelines === undefined ? './bundles' : undefined)
  if (folder === undefined) return []
  const devicesRun =
    adapt === undefined ? [] : (['local', ...(adaptSplit === 'off' ? [] : ['head'])] as ModelRole[])
  const { served, refused } = await readBundles(folder, devicesRun)
  for (const { folder, reason } of refused) logger.error({ folder, reason }, 'bundle refused')
  return served
}

async function pipelinesOf({ pipelines }: EdgeConfig, logger: Logger): Promise<readonly Pipeline[]> {
  if (pipelines === undefined) return []
  const { served, refused } = await readPipelines(pipelines)
  for (const { folder, reason } of refused) logger.error({ folder, reason }, 'pipeline refused')
  return served
}

/** What every worker could run. Throws NO_BUNDLES or NO_PIPELINES when none is left of what there was. */
export function workingModels(
  { bundles, pipelines }: ServedModels,
  pool: TailPool,
  logger: Logger,
): ServedModels {
  for (const { id, reason } of pool.failures) logger.error({ bundle: id, reason }, 'bundle refused')
  for (const { id, reason } of pool.pipelineFailures)
    logger.error({ pipeline: id, reason }, 'pipeline refused')
  const working = <Kind extends { readonly key: number }>(
    all: readonly Kind[],
    failures: TailPool['failures'],
  ) => all.filter(({ key }) => !failures.some((failure) => failure.key === key))
  const left = {
    bundles: working(bundles, pool.failures),
    pipelines: working(pipelines, pool.pipelineFailures),
  }
  if (bundles.length > 0 && left.bundles.length === 0) {
    const { id, reason } = pool.failures[0]!
    throw edgeError('NO_BUNDLES', `No bundle can be run (${id}: ${reason})`)
  }
  if (pipelines.length > 0 && left.pipelines.length === 0) {
    const { id, reason } = pool.pipelineFailures[0]!
    throw edgeError('NO_PIPELINES', `No pipeline can be run (${id}: ${reason})`)
  }
  return left
}
