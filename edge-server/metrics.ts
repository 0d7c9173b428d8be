import { createHistogram } from 'node:perf_hooks'
import { type WireErrorCode, wireErrors } from '@isthmus/proto'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { BrokerRefusal } from './broker/embedded.ts'
import type { AnsweredRoute } from './dispatch/dispatcher.ts'
import type { StageTimes } from './dispatch/replies.ts'

/** What the gauges show when they are asked. */
export interface MetricsSource {
  readonly devicesOnline: () => number
  readonly devicesKnown: () => number
  readonly connections: () => number
  readonly queued: () => number
  readonly computing: () => number
  readonly workers: () => number
  readonly brokerConnected: () => boolean
}

const PREFIX = 'isthmus_edge_'
const STAGE_BUCKETS_MS = [0.25, 0.5, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096]
/** Answers that are kept back at most before the histograms get them. */
const MAX_UNCOUNTED = 64
const brokerRefusals: readonly BrokerRefusal[] = [
  'too-large',
  'malformed',
  'slow-reader',
  'not-accepted',
  'protocol',
  'client-id',
  'credentials',
  'forbidden-topic',
  'forbidden-filter',
]

/** The counters of one server, in a Prometheus registry of its own. Nothing is labelled by device. */
export class EdgeMetrics {
  readonly registry = new Registry()
  /** In ns, and 1 more: it takes no zeros. */
  readonly #loopDelay = createHistogram()
  readonly #replies = this.#counter('replies_total', 'Requests answered with a result', ['route'], () =>
    this.#countAnswers(),
  )
  readonly #batched = this.#counter(
    'batched_total',
    'Requests whose tail was computed together with others',
    ['route'],
    () => this.#countAnswers(),
  )
  readonly #errors = this.#counter('errors_total', 'Requests answered with an error', ['code'])
  readonly #garbage = this.#counter('garbage_total', 'Packets that could not be read or were of no use', [
    'code',
  ])
  readonly #refusals = this.#counter('broker_refusals_total', 'What the broker inside turned away', [
    'reason',
  ])
  readonly #takeovers = this.#counter(
    'takeovers_total',
    'Connections closed by another with the same device id',
    [],
  )
  readonly #restarts = this.#counter(
    'worker_restarts_total',
    'Worker threads that ended and were replaced',
    [],
  )
  readonly #stages = (['server', 'queue', 'decode', 'tail'] as const).map(
    (stage) =>
      [
        stage,
        new Histogram({
          name: `${PREFIX}${stage}_ms`,
          help: `Time of an answered request: ${stage}`,
          labelNames: ['route'],
          buckets: STAGE_BUCKETS_MS,
          registers: [this.registry],
          collect: () => this.#countAnswers(),
        }),
      ] as const,
  )

  readonly #pipelineStages = new Histogram({
    name: `${PREFIX}stage_ms`,
    help: 'Time of a stage of a pipeline',
    labelNames: ['pipeline', 'stage'],
    buckets: STAGE_BUCKETS_MS,
    registers: [this.registry],
  })

  readonly #uncounted: { readonly route: AnsweredRoute; readonly stages: StageTimes }[] = []

  constructor() {
    for (const code of Object.keys(wireErrors)) this.#errors.inc({ code }, 0)
    for (const code of ['BAD_MESSAGE', 'BAD_CHECKSUM']) this.#garbage.inc({ code }, 0)
    for (const reason of brokerRefusals) this.#refusals.inc({ reason }, 0)
    for (const route of ['split', 'edge', 'stages']) this.#replies.inc({ route }, 0)
    for (const route of ['split', 'edge']) this.#batched.inc({ route }, 0)
  }

  /** Shows the server's own figures as gauges, read when they are asked for. */
  watch(source: MetricsSource): void {
    this.#gauge('devices_online', 'Devices whose last word was that they are online', source.devicesOnline)
    this.#gauge('devices_known', 'Devices that the server remembers', source.devicesKnown)
    this.#gauge('connections', 'Connections of devices to the broker inside', source.connections)
    this.#gauge('queue_length', 'Requests that wait for a worker', source.queued)
    this.#gauge('computing', 'Requests at the workers', source.computing)
    this.#gauge('credits_in_use', 'Credits of all devices in use', () => source.queued() + source.computing())
    this.#gauge('workers', 'Workers that can compute', source.workers)
    this.#gauge('broker_connected', '1 while there is a broker', () => Number(source.brokerConnected()))
    this.#gauge('resident_bytes', 'Memory of the process', () => process.memoryUsage.rss())
    this.#gauge(
      'event_loop_delay_p99_ms',
      'Delay of the event loop, 99th percentile since last asked',
      () => {
        const delayMs = this.#loopDelay.percentile(99) / 1e6
        this.#loopDelay.reset()
        return delayMs
      },
    )
  }

  /** What a timer came late, in ms. */
  delayed(ms: number): void {
    this.#loopDelay.record(1 + Math.max(0, Math.round(ms * 1e6)))
  }

  /** Counted many at a time: one by one, between two tails, five metrics take several times as long. */
  answered(route: AnsweredRoute, stages: StageTimes): void {
    this.#uncounted.push({ route, stages })
    if (this.#uncounted.length >= MAX_UNCOUNTED) this.#countAnswers()
  }

  /** One run of a stage; pipelines and stages are those that this server has, so that the labels are few. */
  stageRan(pipeline: string, stage: string, ms: number): void {
    this.#pipelineStages.observe({ pipeline, stage }, ms)
  }

  refused(code: WireErrorCode): void {
    this.#errors.inc({ code })
  }

  garbage(code: WireErrorCode): void {
    this.#garbage.inc({ code })
  }

  brokerRefused(reason: BrokerRefusal): void {
    this.#refusals.inc({ reason })
  }

  takeover(): void {
    this.#takeovers.inc()
  }

  workerRestart(): void {
    this.#restarts.inc()
  }

  /** All of it in the text format of Prometheus. */
  text(): Promise<string> {
    return this.registry.metrics()
  }

  /** The present value of a counter or gauge, named without the prefix; 0 when nothing was counted. */
  async value(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
    const metric = await this.registry.getSingleMetric(PREFIX + name)?.get()
    const wanted = Object.entries(labels)
    const match = metric?.values.find((value) => wanted.every(([key, text]) => value.labels[key] === text))
    return match?.value ?? 0
  }

  close(): void {
    this.registry.clear()
  }

  #countAnswers(): void {
    for (const { route, stages } of this.#uncounted.splice(0)) {
      this.#replies.inc({ route })
      if (stages.batch > 1) this.#batched.inc({ route })
      for (const [stage, histogram] of this.#stages) histogram.observe({ route }, stages[`${stage}Ms`])
    }
  }

  #counter<Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[],
    collect = () => {},
  ): Counter<Label> {
    const registers = [this.registry]
    return new Counter({ name: PREFIX + name, help, labelNames: [...labelNames], registers, collect })
  }

  #gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      name: PREFIX + name,
      help,
      registers: [this.registry],
      collect() {
        this.set(read())
      },
    })
  }
}
