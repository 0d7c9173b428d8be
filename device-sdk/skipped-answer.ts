import type { Answer } from './answer.ts'
import { StageLog } from './stage-log.ts'

/** To a frame that the policy does not want looked at. */
export function skippedAnswer(
  frame: number,
  bundleId: string,
  startMs: number,
  endMs: number,
  reason: string,
): Answer {
  return {
    frame,
    top: [],
    output: new Float32Array(0),
    route: 'skip',
    mode: 0,
    bundle: bundleId,
    modelVersion: 0,
    modelEpoch: 0,
    wallMs: endMs - startMs,
    stages: new StageLog().local(startMs, endMs),
    reason,
    bytesUp: 0,
    bytesDown: 0,
    late: false,
  }
}
