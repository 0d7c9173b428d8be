import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import type { Outcome, TailWork, Work } from '../dispatch/work.ts'
import { type Batchable, takeBatch } from './batch.ts'
import { BundleTails } from './bundle-tails.ts'
import type { FrameModel } from './frame-model.ts'
import { type BundleFailure, type FromWorker, hrMs, type ToWorker, type WorkerSetup } from './messages.ts'
import { PipelineStages } from './pipeline-stages.ts'

// The thread that computes: it holds a session of every tail, takes one batch of works after another, and answers each.

const port = parentPort!
const { bundles, pipelines = [], intraOpThreads, maxBatch } = workerData as WorkerSetup

async function openEach<Source extends { readonly key: number; readonly id: string }, Opened>(
  sources: readonly Source[],
  open: (source: Source) => Promise<Opened>,
): Promise<{ readonly opened: Map<number, Opened>; readonly failures: readonly BundleFailure[] }> {
  const opened = new Map<number, Opened>()
  const failures: BundleFailure[] = []
  for (const source of sources) {
    try {
      opened.set(source.key, await open(source))
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      failures.push({ key: source.key, id: source.id, reason })
    }
  }
  return { opened, failures }
}

const { opened: tails, failures } = await openEach(bundles, (bundle) =>
  BundleTails.open(bundle, { intraOpThreads, maxBatch }),
)
const { opened: stages, failures: pipelineFailures } = await openEach(pipelines, (pipeline) =>
  PipelineStages.open(pipeline, intraOpThreads),
)

type WorkMessage = ToWorker & { kind: 'work' }

/** What waits here, and what it may be computed together with. */
interface Waiting extends Batchable {
  readonly id: number
  readonly work: Work
  readonly kind: FrameModel | undefined
}

const waiting: Waiting[] = []
let closing = false

function take(message: ToWorker): void {
  if (message.kind === 'close') closing = true
  else waiting.push(waitingOf(message))
}

function waitingOf({ id, work, expiresHrMs }: WorkMessage): Waiting {
  const kind = 'pipeline' in work ? undefined : tails.get(work.bundle)?.sharedBy(work)
  return { id, work, kind, expiresMs: expiresHrMs }
}

const expired: Outcome = {
  ok: false,
  code: 'EXPIRED',
  detail: 'The deadline passed while the request waited',
}

async function outcomesOf(batch: readonly Waiting[]): Promise<Outcome[]> {
  const { work, expiresMs } = batch[0]!
  const isExpired = () => expiresMs <= hrMs()
  // Only what has a kind is computed together, and that is tails.
  if (batch.length === 1 && isExpired()) return [expired]
  if ('pipeline' in work) {
    const pipeline = stages.get(work.pipeline)
    return [(await pipeline?.compute(work, isExpired)) ?? { ok: false, code: 'UNKNOWN_PIPELINE', detail: '' }]
  }
  const works = batch.map((each) => each.work as TailWork)
  // All are answered together, so that the one that is due first counts.
  const dueMs = Math.min(...batch.map((each) => each.expiresMs))
  const leftMs = () => dueMs - hrMs()
  return (
    (await tails.get(work.bundle)?.compute(works, leftMs)) ?? [
      { ok: false, code: 'UNKNOWN_BUNDLE', detail: '' },
    ]
  )
}

function answer(batch: readonly Waiting[], outcomes: readonly Outcome[]): void {
  const answers = batch.map(({ id }, at) => ({ id, outcome: outcomes[at]! }))
  const done: FromWorker = { kind: 'done', answers, frames: batch[0]!.kind?.frames ?? 1 }
  const transfer = outcomes.flatMap((outcome) =>
    outcome.ok ? ['payload' in outcome ? outcome.payload.buffer : outcome.result.buffer] : [],
  )
  port.postMessage(done, transfer)
}

async function close(): Promise<void> {
  for (const opened of [...tails.values(), ...stages.values()]) await opened.close()
  port.close()
}

/** Computes what there is, one batch after another, until nothing waits. */
async function computeAll(): Promise<void> {
  for (;;) {
    // What came while a network ran still stands in the port.
    for (let next = receiveMessageOnPort(port); next; next = receiveMessageOnPort(port)) take(next.message)
    const batch = takeBatch(waiting, ({ kind }) => kind!, hrMs())
    if (batch.length === 0) break
    answer(batch, await outcomesOf(batch))
  }
  if (closing) await close()
}

let computing = false
port.on('message', async (message: ToWorker) => {
  take(message)
  if (computing) return
  computing = true
  await computeAll()
  computing = false
})

const ready: FromWorker = {
  kind: 'ready',
  failures,
  pipelineFailures,
  stageMs: [...stages].map(([key, { stageMs }]) => [key, stageMs] as const),
  batches: [...tails].map(([key, { batches }]) => [key, batches] as const),
}
port.postMessage(ready)
