import type { Logger } from 'pino'
import type { AdaptationMetrics } from './adaptation-metrics.ts'
import type { AdaptationObserver } from './family-adaptation.ts'

/** Counts what becomes of a family, and tells of it. */
export function adaptationObserver(
  family: string,
  metrics: AdaptationMetrics,
  log: Logger,
): AdaptationObserver {
  return {
    uploaded: (outcome) => metrics.uploads.inc({ family, outcome }),
    learned: ({ steps, judgements }) => {
      metrics.steps.inc({ family }, steps)
      for (const judgement of judgements) metrics.judged.inc({ family, judgement })
    },
    lost: (uploads) => metrics.lost.inc({ family }, uploads),
    published: ({ epoch, version, bytes }) => {
      metrics.versions.inc({ family })
      metrics.patchBytes.inc({ family }, bytes.length)
      log.info({ family, epoch, version, bytes: bytes.length }, 'version out')
    },
    rolledBack: (reason, detail) => {
      metrics.rollBacks.inc({ family, reason })
      log.warn({ family, reason, detail }, 'went back to what was good')
    },
    saved: (bytes) => {
      metrics.saves.inc({ family })
      metrics.stateBytes.set({ family }, bytes)
    },
    troubled: (what, detail) => {
      metrics.failures.inc({ family })
      log.error({ family, what, detail }, 'adaptation is in trouble')
    },
    requested: (reason, outcome) => metrics.requests.inc({ reason, outcome }),
  }
}
