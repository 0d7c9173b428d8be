import { loadPipeline } from '@isthmus/models/pipeline'
import { SessionThread } from '@isthmus/models/runtime'
import { planningPolicy } from '@isthmus/policies/pipeline'
import { brokerTransport, SOFTWARE } from '../assemble.ts'
import { nextBoot } from '../boot-counter.ts'
import { systemClock } from '../clock.ts'
import { randomBoot } from '../random-boot.ts'
import { ServerLink } from '../server-link.ts'
import { DevicePipeline } from './device-pipeline.ts'
import { checkPipelineOptions, type PipelineOptions, weightsOf } from './options.ts'
import { talking } from './talking.ts'

/**
 * A pipeline that this device runs, alone or together with a server. Resolves as soon as the device's own stages are ready,
 * whether or not there is a broker or a server; those are looked for in the background. With `waitForServerMs` it waits so long for a
 * server to be ready.
 *
 * Throws BAD_OPTIONS, STATE_UNWRITABLE, BAD_POLICY for agents that cannot be served, and what loading a pipeline or opening its models throws.
 *
 * @example
 * const pipeline = await connectPipeline({ id: 'cam-17', broker: 'mqtt://edge.local', pipeline: './street', deadlineMs: 120 })
 * const answer = await pipeline.run({ image: pixels })
 */
export async function connectPipeline(options: PipelineOptions): Promise<DevicePipeline> {
  const checked = checkPipelineOptions(options)
  const { id, site, credits, probe, stateDir, tls, threads: intraOpThreads } = checked
  const pipeline = await loadPipeline(checked.pipeline, { for: 'device' })
  const boot = stateDir === undefined ? randomBoot() : await nextBoot(stateDir, Math.floor(Date.now() / 1000))
  const clock = checked.clock ?? systemClock
  const { agents, tellsPerSecond: perSecond } = checked
  const talk = agents && talking({ agents, site, id, boot, clock, perSecond })
  const connection = checked.transport ?? brokerTransport(checked, { boot, tls })
  const transport = connection && talk ? talk.tells.over(connection) : connection
  const { name, version } = pipeline.manifest
  const offer = { kind: 'pipeline', name, version, key: pipeline.key } as const
  const weights = weightsOf(checked)
  const { planner } = checked
  // One thread for all stages: the event loop stays free, and stages do not take each other's processor.
  const thread = new SessionThread()
  const device = new DevicePipeline({
    pipeline,
    open: (stage) => {
      const model = pipeline.models[stage]
      return model && (() => thread.open(model, { intraOpThreads }))
    },
    link:
      transport &&
      new ServerLink(transport, clock, { site, id, boot, software: SOFTWARE, offer, credits, probe }),
    talkStats: talk?.stats,
    policy:
      talk?.policy ??
      checked.policy ??
      planningPolicy({ ...(planner ? { planner } : {}), ...(weights ? { weights } : {}) }),
    placement: checked.placement,
    clock,
    deadlineMs: checked.deadlineMs,
    hedgeMarginMs: checked.hedgeMarginMs,
    power: checked.power,
  })
  try {
    await device.start()
  } catch (error) {
    await device.close()
    throw error
  }
  if (checked.waitForServerMs > 0) await device.waitForServer(checked.waitForServerMs)
  return device
}
