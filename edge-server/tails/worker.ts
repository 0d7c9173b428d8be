import { parentPort, workerData } from 'node:worker_threads'
import type { Outcome } from '../dispatch/work.ts'
import { BundleTails } from './bundle-tails.ts'
import { type BundleFailure, type FromWorker, hrMs, type ToWorker, type WorkerSetup } from './messages.ts'
import { PipelineStages } from './pipeline-stages.ts'

// The thread that computes: it holds a session of every tail, takes one work after another, and answers each.

const port = parentPort!
const { bundles, pipelines = [], intraOpThreads } = workerData as WorkerSetup

async function openEach<Source extends { readonly key: number; readonly id: string }, Opened>(
  sources: readonly Source[],
  open: (source: Source, intraOpThreads: number) => Promise<Opened>,
): Promise<{ readonly opened: Map<number, Opened>; readonly failures: readonly BundleFailure[] }> {
  const opened = new Map<number, Opened>()
  const failures: BundleFailure[] = []
  for (const source of sources) {
    try {
      opened.set(source.key, await open(source, intraOpThreads))
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      failures.push({ key: source.key, id: source.id, reason })
    }
  }
  return { opened, failures }
}

const { opened: tails, failures } = await openEach(bundles, BundleTails.open)
const { opened: stages, failures: pipelineFailures } = await openEach(pipelines, PipelineStages.open)

type WorkMessage = ToWorker & { kind: 'work' }

async function outcomeOf({ work, expiresHrMs }: WorkMessage): Promise<Outcome> {
  const isExpired = () => expiresHrMs <= hrMs()
  if (isExpired()) {
    return { ok: false, code: 'EXPIRED', detail: 'The deadline passed while the request waited' }
  }
  if ('pipeline' in work) {
    const pipeline = stages.get(work.pipeline)
    return pipeline?.compute(work, isExpired) ?? { ok: false, code: 'UNKNOWN_PIPELINE', detail: '' }
  }
  return tails.get(work.bundle)?.compute(work) ?? { ok: false, code: 'UNKNOWN_BUNDLE', detail: '' }
}

async function answer(message: WorkMessage): Promise<void> {
  const outcome = await outcomeOf(message)
  const done: FromWorker = { kind: 'done', id: message.id, outcome }
  const transfer = !outcome.ok
    ? []
    : 'payload' in outcome
      ? [outcome.payload.buffer]
      : [outcome.result.buffer]
  port.postMessage(done, transfer)
}

async function close(): Promise<void> {
  for (const opened of [...tails.values(), ...stages.values()]) await opened.close()
  port.close()
}

let last: Promise<void> = Promise.resolve()
port.on('message', (message: ToWorker) => {
  last = last.then(() => (message.kind === 'work' ? answer(message) : close()))
})

const ready: FromWorker = {
  kind: 'ready',
  failures,
  pipelineFailures,
  stageMs: [...stages].map(([key, { stageMs }]) => [key, stageMs] as const),
}
port.postMessage(ready)
