import { Counter, Gauge, type Registry } from 'prom-client'
import { guardReasons } from './model-guard.ts'
import { uploadOutcomes } from './sample-intake.ts'
import { judgements } from './sample-judge.ts'

const PREFIX = 'isthmus_edge_adapt_'

/** What adaptation counts. Labelled by family, of which there are few, and by nothing that a device can choose. */
export class AdaptationMetrics {
  readonly #registry: Registry
  readonly uploads
  readonly unreadable
  readonly strangers
  readonly judged
  readonly lost
  readonly steps
  readonly versions
  readonly patchBytes
  readonly rollBacks
  readonly requests
  readonly restarts
  readonly failures
  readonly saves
  readonly stateBytes

  constructor(registry: Registry) {
    this.#registry = registry
    this.uploads = this.#counter('uploads_total', 'Samples that came, by what became of them', [
      'family',
      'outcome',
    ])
    this.unreadable = this.#counter('unreadable_total', 'Messages at a sample topic that were of no use', [])
    this.strangers = this.#counter(
      'strange_family_total',
      'Messages for a family that is not adapted here',
      [],
    )
    this.judged = this.#counter('judged_total', 'Samples that were taken, as the foundation judged them', [
      'family',
      'judgement',
    ])
    this.lost = this.#counter('lost_total', 'Samples lost with a thread that died or a task that failed', [
      'family',
    ])
    this.steps = this.#counter('steps_total', 'Steps of learning', ['family'])
    this.versions = this.#counter('versions_total', 'Versions that went out', ['family'])
    this.patchBytes = this.#counter('patch_bytes_total', 'Bytes of the patches that went out', ['family'])
    this.rollBacks = this.#counter('rollbacks_total', 'Times that learning went back to what was good', [
      'family',
      'reason',
    ])
    this.requests = this.#counter('patch_requests_total', 'Patches that devices asked for', [
      'reason',
      'outcome',
    ])
    this.restarts = this.#counter(
      'worker_restarts_total',
      'Threads of learning that ended and were replaced',
      ['family'],
    )
    this.failures = this.#counter('failures_total', 'Tasks that failed', ['family'])
    this.saves = this.#counter('saves_total', 'States that were written', ['family'])
    this.stateBytes = new Gauge({
      name: `${PREFIX}state_bytes`,
      help: 'Size of the state on the disk',
      labelNames: ['family'],
      registers: [registry],
    })
  }

  /** Shows a family from the start, with zeros. */
  addFamily(family: string, read: { readonly version: () => number; readonly waiting: () => number }): void {
    for (const outcome of [...uploadOutcomes]) this.uploads.inc({ family, outcome }, 0)
    for (const judgement of judgements) this.judged.inc({ family, judgement }, 0)
    for (const reason of guardReasons) this.rollBacks.inc({ family, reason }, 0)
    for (const counter of [
      this.lost,
      this.steps,
      this.versions,
      this.patchBytes,
      this.restarts,
      this.failures,
    ])
      counter.inc({ family }, 0)
    this.#reads.set(family, read)
  }

  readonly #reads = new Map<string, { readonly version: () => number; readonly waiting: () => number }>()

  /** Shows how many tails of a split network are kept. */
  addTails(family: string, count: () => number): void {
    this.#tails.set(family, count)
  }

  readonly #tails = new Map<string, () => number>()

  /** Shows the present version and the samples that wait of every family. */
  watch(): void {
    this.#watchTails()
    for (const [name, help] of [
      ['version', 'Newest version that went out'],
      ['waiting', 'Samples that wait to be judged'],
    ] as const) {
      const reads = this.#reads
      new Gauge({
        name: PREFIX + name,
        help,
        labelNames: ['family'],
        registers: [this.#registry],
        collect() {
          for (const [family, read] of reads) this.set({ family }, read[name]())
        },
      })
    }
  }

  #watchTails(): void {
    const tails = this.#tails
    new Gauge({
      name: `${PREFIX}tails`,
      help: 'Tails that are kept, one for each version of the head',
      labelNames: ['family'],
      registers: [this.#registry],
      collect() {
        for (const [family, count] of tails) this.set({ family }, count())
      },
    })
  }

  #counter<Label extends string>(name: string, help: string, labelNames: readonly Label[]): Counter<Label> {
    return new Counter({
      name: PREFIX + name,
      help,
      labelNames: [...labelNames],
      registers: [this.#registry],
    })
  }
}
