import { type CutCost, cut, seededFeeds, sensibleCuts, writeModel } from '../onnx/index.ts'
import { sortNodes } from '../onnx/order.ts'
import type { Session, SessionOptions } from '../runtime/index.ts'
import { gradientObstacles, nameObstacle, obstaclesBehind } from './obstacles.ts'
import { type Candidate, unfitReason } from './propose.ts'
import type { Teacher } from './teacher.ts'

/** What a teacher takes here, and where it can be cut. */
export interface Profile {
  readonly wholeMs: number
  readonly candidates: readonly Candidate[]
}

/** More places than this are not timed; the ones that are left out lie between two that are. */
const MOST_TIMED = 16
const RUNS = 3
/** Of a slow network one run after the first says enough. */
const ENOUGH_MS = 100

/**
 * Times the teacher and its beginnings on this machine, and tells through which operators no gradient comes. Cuts that make no map to
 * rebuild are left out.
 */
export async function profileTeacher(
  teacher: Teacher,
  open: (model: Uint8Array, options: SessionOptions) => Promise<Session>,
  threads: number,
  onDone: (done: number, total: number) => void,
): Promise<Profile> {
  const { model, report, side } = teacher
  const order = sortNodes(model.graph.nodes)
  const obstacles = gradientObstacles(model.graph)
  const untimed = report.cuts.map((point): Candidate => {
    const [first] = obstaclesBehind(order, obstacles, point.tensor)
    return { cut: point, headMs: 0, obstacle: first && nameObstacle(first) }
  })
  const chosen = worthTiming(untimed, side)
  const feeds = seededFeeds(model, { [model.graph.inputs[0]!.name]: [1, ...teacher.network.input.dims] })
  const time = async (bytes: Uint8Array): Promise<number> => {
    const session = await open(bytes, { intraOpThreads: threads })
    try {
      const times: number[] = []
      await session.run(feeds)
      for (let i = 0; i < RUNS && (times[0] ?? 0) < ENOUGH_MS; i++) {
        const startMs = performance.now()
        await session.run(feeds)
        times.push(performance.now() - startMs)
      }
      return Math.min(...times)
    } finally {
      await session.dispose()
    }
  }
  const total = chosen.length + 1
  const candidates: Candidate[] = []
  for (const candidate of chosen) {
    candidates.push({ ...candidate, headMs: await time(writeModel(cut(model, candidate.cut.tensor).head)) })
    onDone(candidates.length, total)
  }
  const wholeMs = await time(writeModel(model))
  onDone(total, total)
  return { wholeMs, candidates }
}

/** The last of the cuts that send the same for the same work, without those that are no map at all. */
function worthTiming(candidates: readonly Candidate[], side: number): Candidate[] {
  const maps = candidates.filter((candidate) => {
    const reason = unfitReason(candidate, side)
    return reason === undefined || reason.startsWith('no gradient')
  })
  const last = maps.filter(({ cut }, at) => {
    const next: CutCost | undefined = maps[at + 1]?.cut
    return next?.rawBytes !== cut.rawBytes || next.headMacs !== cut.headMacs
  })
  if (last.length <= MOST_TIMED) return last
  const kept = new Set(sensibleCuts(last.map(({ cut }) => cut)))
  const spread = last.filter(
    (_, at) =>
      Math.floor((at * MOST_TIMED) / last.length) !== Math.floor(((at - 1) * MOST_TIMED) / last.length),
  )
  return last.filter((candidate) => kept.has(candidate.cut) || spread.includes(candidate))
}
