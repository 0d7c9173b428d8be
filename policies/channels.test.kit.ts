import { LinkEstimator } from './link-estimator.ts'
import { type MeasuredCostOptions, measuredCostController } from './measured-cost-controller.ts'
import type { ModeEstimate } from './plan.ts'
import { StageTimes } from './stage-times.ts'

/** What a frame would meet on the link. */
export interface LinkState {
  readonly rateBps: number
  readonly rttMs: number
}

/** A link over time, drawn anew for each frame. */
export type Channel = (nowMs: number) => LinkState

export function random(seed: number): () => number {
  let state = (seed * 7919) % 2147483647 || 1
  for (let i = 0; i < 8; i++) state = (state * 16807) % 2147483647
  return () => {
    state = (state * 16807) % 2147483647
    return state / 2147483647
  }
}

const normal = (next: () => number) => Math.sqrt(-2 * Math.log(next())) * Math.cos(2 * Math.PI * next())

/** Log-normal rate that keeps part of its level for `memoryMs`: a first-order Gauss-Markov process, sampled every 100 ms. */
function wandering(
  next: () => number,
  medianBps: number,
  sigma: number,
  memoryMs: number,
): (nowMs: number) => number {
  const keep = Math.exp(-100 / memoryMs)
  let level = normal(next)
  let atMs = 0
  return (nowMs) => {
    for (; atMs + 100 <= nowMs; atMs += 100) level = keep * level + Math.sqrt(1 - keep * keep) * normal(next)
    return medianBps * Math.exp(sigma * level)
  }
}

/** Wide, slow swings and a long round trip. */
export function lteLike(seed: number): Channel {
  const next = random(seed)
  const rate = wandering(next, 800_000, 0.6, 8000)
  return (nowMs) => ({ rateBps: rate(nowMs) * (1 + 0.1 * (next() - 0.5)), rttMs: 25 + 10 * next() })
}

/** Fast, quickly changing within bounds, with stalls for other senders. */
export function wifiLike(seed: number): Channel {
  const next = random(seed)
  const rate = wandering(next, 3_000_000, 0.3, 1000)
  return (nowMs) => ({ rateBps: rate(nowMs), rttMs: 3 + 5 * next() + (next() < 0.02 ? 60 : 0) })
}

/** Good and bad by turns, each lasting for a random time. */
export function gilbertElliott(seed: number): Channel {
  const next = random(seed)
  let good = true
  let untilMs = 0
  return (nowMs) => {
    while (nowMs >= untilMs) {
      good = untilMs === 0 || !good
      untilMs += -Math.log(next()) * (good ? 20_000 : 4000) + 100
    }
    return { rateBps: (good ? 1_500_000 : 150_000) * (0.9 + 0.2 * next()), rttMs: 15 + 5 * next() }
  }
}

/** One level with noise of this coefficient of variation, at a place where several modes are just in or out of time. */
export function stationary(seed: number, variation: number, medianBps = 500_000): Channel {
  const next = random(seed)
  return () => ({ rateBps: medianBps * Math.exp(variation * normal(next)), rttMs: 15 + 10 * next() })
}

export interface TestMode {
  readonly mode: number
  readonly route: 'local' | 'split' | 'edge'
  readonly accuracy: number
  readonly payloadBytes: number
  readonly deviceMs: number
  readonly serverMs: number
}

export interface Drive {
  readonly modes: readonly TestMode[]
  readonly channel: Channel
  readonly seed: number
  readonly deadlineMs: number
  readonly frames: number
  readonly periodMs: number
  readonly options?: MeasuredCostOptions
}

export interface DriveResult {
  /** Mean accuracy of the answers that were there in time; late is 0, or the local answer's where there is one. */
  readonly ours: number
  readonly oracle: number
  readonly misses: number
  /** Changes of the mode per minute after the first one; a frame that probes another mode does not count. */
  readonly switchesPerMinute: number
}

/** Drives the controller over a channel in virtual time, with times measured as a device measures them. */
export function drive({ modes, channel, seed, deadlineMs, frames, periodMs, options }: Drive): DriveResult {
  const next = random(seed + 1000)
  const policy = measuredCostController(options)
  const times = new StageTimes({ window: 32 })
  const link = new LinkEstimator()
  const local = modes.find(({ route }) => route === 'local')
  if (local) times.add('device:0', local.deviceMs)
  let ours = 0
  let oracle = 0
  let misses = 0
  let switches = 0
  let current: number | undefined
  for (let frame = 0; frame < frames; frame++) {
    const nowMs = frame * periodMs
    const state = channel(nowMs)
    const noise = 1 + 0.05 * next()
    const timesOf = ({ payloadBytes, deviceMs, serverMs, route }: TestMode) => {
      const linkMs = route === 'local' ? 0 : state.rttMs + (8000 * payloadBytes) / state.rateBps
      return { linkMs, deviceMs: deviceMs * noise, serverMs: serverMs * noise }
    }
    const inTime = (mode: TestMode) => {
      const { linkMs, deviceMs, serverMs } = timesOf(mode)
      return linkMs + deviceMs + serverMs <= deadlineMs
    }
    if (link.wantedProbe(nowMs, 4000) === 'small') {
      link.add({ nowMs, bytes: 45, elapsedMs: state.rttMs + 360_000 / state.rateBps })
    }
    if (link.wantedProbe(nowMs, 4000) === 'large') {
      link.add({ nowMs, bytes: 1024, elapsedMs: state.rttMs + 8_192_000 / state.rateBps })
    }
    const estimates = modes.map((mode): ModeEstimate => {
      const upper = (stage: string) => times.upper(`${stage}:${mode.mode}`)
      const median = (stage: string) => times.median(`${stage}:${mode.mode}`)
      return {
        ...mode,
        deviceMs: upper('device') ?? mode.deviceMs,
        serverMs: upper('server') ?? mode.serverMs,
        medianMs: (median('device') ?? mode.deviceMs) + (median('server') ?? mode.serverMs),
      }
    })
    const drifts = times.stages().reduce((sum, stage) => sum + times.drifts(stage), link.drifts)
    const estimate = link.estimate(nowMs)
    const observation = { nowMs, deadlineMs, online: true, modes: estimates, creditsLeft: 4, drifts }
    const plan = policy.decide(estimate ? { ...observation, link: estimate } : observation)
    const chosen = modes.find(({ mode }) => mode === plan.mode)!
    const spent = timesOf(chosen)
    times.add(`device:${plan.mode}`, spent.deviceMs)
    if (chosen.route !== 'local') {
      times.add(`server:${plan.mode}`, spent.serverMs)
      link.add({ nowMs, bytes: chosen.payloadBytes, elapsedMs: spent.linkMs })
    }
    const best = Math.max(0, ...modes.filter(inTime).map(({ accuracy }) => accuracy))
    const fallback = local?.accuracy ?? 0
    oracle += Math.max(best, fallback)
    ours += inTime(chosen) ? chosen.accuracy : fallback
    if (!inTime(chosen)) misses++
    if (plan.reason.startsWith('probe')) continue
    if (nowMs >= 60_000 && current !== plan.mode) switches++
    current = plan.mode
  }
  const minutes = (frames * periodMs) / 60_000 - 1
  return {
    ours: ours / frames,
    oracle: oracle / frames,
    misses: misses / frames,
    switchesPerMinute: switches / minutes,
  }
}
