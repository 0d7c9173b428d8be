import { join } from 'node:path'
import { connectDevice } from '@isthmus/device-sdk'
import { startEdge } from '@isthmus/edge-server'
import { seededRandom } from '@isthmus/models/data'
import { quantile } from '@isthmus/policies'
import { leftOut, type Part } from '../part.ts'
import { median } from '../statistics.ts'
import { splitModes } from './split-modes.ts'
import type { World } from './world.ts'

const SEED = 5

/** Head and coding of one frame, ms, as the device measured them. */
interface Timed {
  readonly block: number
  readonly mode: number
  readonly isFirst: boolean
  readonly workMs: number
}

/**
 * A device and a server on loopback. The device is told to change its mode at every other frame, to one drawn by chance. What head and
 * coding took beyond the median frame of the same mode: the 99th percentile of frames after a change, less that of the frames between,
 * which know the same machine and no change; the median over blocks of such frames. A session that was opened anew, or a table laid out anew, would show.
 */
export async function measureModeSwitch(world: World): Promise<Part> {
  const { bundle, bundles, pictures, quick, say } = world
  const modes = splitModes(bundle)
  if (modes.length < 2) return leftOut(['switchMs'], 'the bundle has only one split mode')
  say('changing modes between frames')
  const folder = join(bundles, bundle.manifest.name)
  // A 99th percentile of some hundred frames is that of the machine's worst moments: the median over blocks is not.
  const [blocks, perBlock] = quick ? [1, 150] : [7, 1500]
  const rounds = blocks * perBlock
  const random = seededRandom(SEED)
  const timed: Timed[] = []
  let unanswered = 0
  const edge = await startEdge({
    bundles: folder,
    mqttPort: 0,
    wsPort: 'off',
    httpPort: 'off',
    logLevel: 'silent',
    packetsPerSecond: 10_000,
  })
  try {
    const device = await connectDevice({
      id: 'bench-switch',
      broker: `mqtt://127.0.0.1:${edge.ports.mqttPort}`,
      bundle: folder,
      deadlineMs: 10_000,
      waitForServerMs: 30_000,
    })
    try {
      let last = -1
      for (let round = -20; round < rounds; round++) {
        let at = random.below(modes.length - 1)
        if (at >= last && last >= 0) at++
        last = at
        const mode = modes[at]!.id
        for (const isFirst of [true, false]) {
          const picture = pictures[random.below(pictures.length)]!
          const { data, width, height } = { ...picture, data: picture.pixels }
          const { route, stages } = await device.infer({ data, width, height }, { mode })
          if (route !== 'split') unanswered++
          else if (round >= 0) {
            const block = Math.floor(round / perBlock)
            timed.push({ block, mode, isFirst, workMs: stages.headMs + stages.encodeMs })
          }
        }
      }
    } finally {
      await device.close()
    }
  } finally {
    await edge.close()
  }
  if (timed.length < rounds)
    return leftOut(['switchMs'], `${unanswered} frames were not answered by the server`)
  const excess = excesses(timed)
  const added = Array.from({ length: blocks }, (_, block) => {
    const { changed, unchanged } = excesses(timed.filter((frame) => frame.block === block))
    return spread(changed).p99 - spread(unchanged).p99
  })
  return {
    figures: { switchMs: Math.max(0, median(added)) },
    detail: {
      modeSwitch: {
        seed: SEED,
        modes: modes.length,
        changes: excess.changed.length,
        unanswered,
        addedMsByBlock: added,
        changedMs: spread(excess.changed),
        unchangedMs: spread(excess.unchanged),
        headsResident: new Set(modes.map(({ head }) => head ?? 'head')).size,
      },
    },
  }
}

/** What each frame took beyond the median frame of its mode that came without a change. */
function excesses(timed: readonly Timed[]): { changed: number[]; unchanged: number[] } {
  const changed: number[] = []
  const unchanged: number[] = []
  for (const mode of new Set(timed.map((frame) => frame.mode))) {
    const own = timed.filter((frame) => frame.mode === mode)
    const usual = median(own.filter(({ isFirst }) => !isFirst).map(({ workMs }) => workMs))
    if (Number.isNaN(usual)) continue
    for (const { isFirst, workMs } of own) (isFirst ? changed : unchanged).push(workMs - usual)
  }
  return { changed, unchanged }
}

const spread = (values: readonly number[]) => ({ p50: quantile(values, 0.5), p99: quantile(values, 0.99) })
