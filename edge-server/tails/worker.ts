import { parentPort, workerData } from 'node:worker_threads'
import type { Outcome } from '../dispatch/work.ts'
import { BundleTails } from './bundle-tails.ts'
import { type BundleFailure, type FromWorker, hrMs, type ToWorker, type WorkerSetup } from './messages.ts'

// The thread that computes: it holds a session of every tail, takes one work after another, and answers each.

const port = parentPort!
const { bundles, intraOpThreads } = workerData as WorkerSetup

const tails = new Map<number, BundleTails>()
const failures: BundleFailure[] = []
for (const bundle of bundles) {
  try {
    tails.set(bundle.key, await BundleTails.open(bundle, intraOpThreads))
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    failures.push({ key: bundle.key, id: bundle.id, reason })
  }
}

type WorkMessage = ToWorker & { kind: 'work' }

async function outcomeOf({ work, expiresHrMs }: WorkMessage): Promise<Outcome> {
  if (expiresHrMs <= hrMs()) {
    return { ok: false, code: 'EXPIRED', detail: 'The deadline passed while the request waited' }
  }
  const bundle = tails.get(work.bundle)
  if (!bundle) return { ok: false, code: 'UNKNOWN_BUNDLE', detail: '' }
  return bundle.compute(work)
}

async function answer(message: WorkMessage): Promise<void> {
  const outcome = await outcomeOf(message)
  const done: FromWorker = { kind: 'done', id: message.id, outcome }
  port.postMessage(done, outcome.ok ? [outcome.result.buffer] : [])
}

async function close(): Promise<void> {
  for (const bundle of tails.values()) await bundle.close()
  port.close()
}

let last: Promise<void> = Promise.resolve()
port.on('message', (message: ToWorker) => {
  last = last.then(() => (message.kind === 'work' ? answer(message) : close()))
})

const ready: FromWorker = { kind: 'ready', failures }
port.postMessage(ready)
