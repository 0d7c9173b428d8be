import { ENVELOPE_BYTES } from '../../sim/candidates.ts'
import type { FrameMode } from '../../sim/frame-mode.ts'
import type { DevicePower } from '../../sim/power.ts'
import type { TraceLink } from '../../sim/rate-trace.ts'
import type { SharedServer } from './shared-server.ts'

/** What becomes of one frame. Times are seconds of the episode. */
export interface FrameOutcome {
  late: boolean
  /** From the frame to its answer; of a late one its whole time. */
  delayS: number
  computeJ: number
  sendJ: number
  listenJ: number
  /** When the radio began and ended to send, and whether all of it went out. NaN: it never began. */
  sendFromS: number
  sendUntilS: number
  sent: boolean
  /** How long the frame waited at the server; NaN: it was not taken. */
  waitS: number
  answerS: number
  /** Of the device, after this frame. */
  processorFreeS: number
  radioFreeS: number
  listenUntilS: number
}

/**
 * One device: a processor and a radio, each taking frames in their order, so that all times follow without events. A frame is given up
 * at its deadline wherever it is; the energy spent until then counts.
 */
export class DevicePipeline {
  private readonly power: DevicePower
  /** Of this episode. */
  link!: TraceLink
  linkOffsetS = 0
  rateScale = 1
  speed = 1
  processorFreeS = 0
  radioFreeS = 0
  private listenUntilS = 0

  constructor(power: DevicePower) {
    this.power = power
  }

  begin(): void {
    this.processorFreeS = this.radioFreeS = this.listenUntilS = 0
  }

  copyFrom(other: DevicePipeline): void {
    this.link = other.link
    this.linkOffsetS = other.linkOffsetS
    this.rateScale = other.rateScale
    this.speed = other.speed
    this.processorFreeS = other.processorFreeS
    this.radioFreeS = other.radioFreeS
    this.listenUntilS = other.listenUntilS
  }

  /**
   * Works out the way of a frame that comes at `nowS` and is late after `lateS`.
   *
   * @param jitterS what its round trip takes beyond the shortest
   * @param take whether the frame is really sent: the server takes it and the device is busy with it
   */
  run(
    mode: FrameMode,
    server: SharedServer | undefined,
    nowS: number,
    lateS: number,
    jitterS: number,
    take: boolean,
    out: FrameOutcome,
  ): void {
    out.late = true
    out.delayS = lateS - nowS
    out.computeJ = out.sendJ = out.listenJ = 0
    out.sendFromS = out.sendUntilS = out.waitS = Number.NaN
    out.sent = false
    out.answerS = Infinity
    out.processorFreeS = this.processorFreeS
    out.radioFreeS = this.radioFreeS
    out.listenUntilS = this.listenUntilS
    const readyS = this.compute(mode, nowS, lateS, out)
    if (readyS <= lateS) {
      if (server) this.send(mode, server, readyS, lateS, jitterS, take, out)
      else out.answerS = readyS
    }
    if (out.answerS <= lateS) {
      out.late = false
      out.delayS = out.answerS - nowS
    }
    if (!take) return
    this.processorFreeS = out.processorFreeS
    this.radioFreeS = out.radioFreeS
    this.listenUntilS = out.listenUntilS
  }

  /** When the head (or local network) is done; `Infinity` when the deadline comes first. */
  private compute(mode: FrameMode, nowS: number, lateS: number, out: FrameOutcome): number {
    const headS = mode.headMs / 1000 / this.speed
    if (headS === 0) return nowS
    const startS = Math.max(nowS, this.processorFreeS)
    if (startS >= lateS) return Infinity
    const endS = startS + headS
    out.processorFreeS = Math.min(endS, lateS)
    out.computeJ = this.power.computeW * (out.processorFreeS - startS)
    return endS <= lateS ? endS : Infinity
  }

  private send(
    mode: FrameMode,
    server: SharedServer,
    readyS: number,
    lateS: number,
    jitterS: number,
    take: boolean,
    out: FrameOutcome,
  ): void {
    const { power } = this
    const startS = Math.max(readyS, this.radioFreeS)
    if (startS >= lateS) return
    const bits = 8 * (mode.payloadBytes + ENVELOPE_BYTES)
    const endS = this.link.finishS(startS + this.linkOffsetS, bits / this.rateScale) - this.linkOffsetS
    out.sent = endS <= lateS
    out.sendFromS = startS
    out.sendUntilS = out.radioFreeS = out.sent ? Math.max(startS, endS) : lateS
    out.sendJ = power.sendW * (out.radioFreeS - startS)
    if (!out.sent) return
    const arrivalS = out.radioFreeS + server.rttS / 2
    const serviceS = mode.tailMs / 1000 / server.speed
    const doneS = take ? server.take(arrivalS, serviceS, lateS) : server.foresee(arrivalS, serviceS, lateS)
    if (doneS < Infinity) out.waitS = Math.max(0, doneS - serviceS - arrivalS)
    out.answerS = doneS + server.rttS / 2 + jitterS
    // Waits that overlap are listened through once.
    const listenS = Math.max(out.radioFreeS, this.listenUntilS)
    out.listenUntilS = Math.max(listenS, Math.min(out.answerS, lateS))
    out.listenJ = power.listenW * (out.listenUntilS - listenS)
    out.listenUntilS = Math.max(out.listenUntilS, this.listenUntilS)
  }
}

export function emptyOutcome(): FrameOutcome {
  return {
    late: false,
    delayS: 0,
    computeJ: 0,
    sendJ: 0,
    listenJ: 0,
    sendFromS: 0,
    sendUntilS: 0,
    sent: false,
    waitS: 0,
    answerS: 0,
    processorFreeS: 0,
    radioFreeS: 0,
    listenUntilS: 0,
  }
}
