import { LatencyHistogram } from './latency-histogram.ts'

/** What became of the frames whose end is known by `limitS`. */
export class FleetOutcomes {
  answered = 0
  late = 0
  dropped = 0
  /** Sum of the accuracies of answers in time. */
  right = 0
  readonly latency = new LatencyHistogram()
  /** Late and dropped frames of each device. */
  readonly deviceMissed: Int32Array
  private readonly limitS: number

  constructor(devices: number, limitS: number) {
    this.deviceMissed = new Int32Array(devices)
    this.limitS = limitS
  }

  /** A frame that came at `bornS` and has time until `lateS` is answered at `answerS`. */
  answer(device: number, accuracy: number, bornS: number, answerS: number, lateS: number): void {
    if (answerS > this.limitS) {
      this.drop(device, lateS)
      return
    }
    this.latency.add(answerS - bornS)
    if (answerS > lateS) {
      this.late++
      this.deviceMissed[device]!++
    } else {
      this.answered++
      this.right += accuracy
    }
  }

  /** The frame has no answer; that is known from its deadline on. */
  drop(device: number, lateS: number): void {
    if (lateS > this.limitS || lateS === Infinity) return
    this.dropped++
    this.deviceMissed[device]!++
  }
}
