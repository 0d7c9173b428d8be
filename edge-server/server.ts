import { type Logger, pino } from 'pino'
import type { AdaptationOptions } from './adaptation/adaptation.ts'
import { checkConfig } from './config/read-config.ts'
import type { EdgeConfig, EdgeConfigInput } from './config/schema.ts'
import { EdgeMetrics } from './metrics.ts'
import { type EdgeServer, RunningEdge } from './running-edge.ts'
import { forWorker, readModels, workingModels } from './served-models.ts'
import { TailPool, type TailPoolOptions } from './tails/pool.ts'

export type { EdgePorts, EdgeServer } from './running-edge.ts'

/** Settings as in the configuration file, and what a test or an embedding program may hand in besides. */
export interface EdgeOptions extends EdgeConfigInput {
  /** Where the log goes. Default: JSON lines on standard output. */
  readonly log?: Logger
  /** Monotonic, in milliseconds. Default: the process's own. */
  readonly clock?: () => number
  /** Starts a worker thread; for tests that want to end one. */
  readonly spawn?: TailPoolOptions['spawn']
  /** Starts a thread that learns; for tests that want to end one. */
  readonly spawnLearner?: AdaptationOptions['spawn']
}

/**
 * Starts a server: loads and checks the bundles, starts the workers and runs each tail once, then opens the broker
 * and announces itself. Throws an IsthmusError of {@link edgeErrors} whose message says what to do.
 */
export async function startEdge(options: EdgeOptions = {}): Promise<EdgeServer> {
  const { log, clock = () => performance.now(), spawn, spawnLearner, ...settings } = options
  const config = checkConfig(settings, 'the options')
  const logger = log ?? pino({ level: config.logLevel, base: undefined })
  const idle = config.adapt === undefined ? adaptSettings(config) : []
  if (idle.length > 0) logger.warn({ settings: idle }, 'without adapt, nothing is adapted')
  const models = await readModels(config, logger)

  const opened: { close(): unknown }[] = []
  try {
    const metrics = new EdgeMetrics()
    opened.push(metrics)
    const pool = await TailPool.open({
      bundles: models.bundles.map((bundle) => forWorker(bundle, config)),
      pipelines: models.pipelines.map(({ key, id, wiring, models }) => ({ key, id, wiring, models })),
      workers: config.workers,
      intraOpThreads: config.intraOpThreads,
      maxBatch: config.maxBatch,
      jobTimeoutMs: config.jobTimeoutMs,
      clock,
      onCrash: (reason) => {
        metrics.workerRestart()
        logger.error({ reason }, 'worker ended, another takes its place')
      },
      ...(spawn === undefined ? {} : { spawn }),
    })
    opened.push(pool)
    const served = workingModels(models, pool, logger)
    const server = new RunningEdge(config, served, pool, metrics, logger, clock)
    opened.push(server)
    await server.open(models.bundles, spawnLearner)
    return server
  } catch (error) {
    for (const part of opened.reverse()) await part.close()
    throw error
  }
}

/** Settings of the adaptation that are not as by default. */
function adaptSettings(config: EdgeConfig): string[] {
  const usual = checkConfig({}, 'the defaults')
  const names = Object.keys(config) as (keyof EdgeConfig)[]
  return names.filter((name) => /^adapt[A-Z]/.test(name) && config[name] !== usual[name])
}
