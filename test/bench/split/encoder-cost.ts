import type { Bundle, HeadRole } from '@isthmus/models/bundle'
import { byteLength, type Graph, inspectModel, readModel } from '@isthmus/models/onnx'
import { openSession } from '@isthmus/models/runtime'
import type { Part } from '../part.ts'
import { median, medianInterval } from '../statistics.ts'
import { run } from './classify.ts'
import { headOf, splitModes } from './split-modes.ts'
import type { World } from './world.ts'

/** What one head costs a device. */
export interface HeadCost {
  readonly macs: number
  /** Σ elements × bit width of its tensors, as they are stored: SC2's encoder size. */
  readonly bytes: number
}

/** Bytes of all constants of a graph: initialisers and Constant nodes, of any type and size. */
function tensorBytes(graph: Graph): number {
  let bytes = 0
  for (const { dtype, dims } of graph.initializers.values()) bytes += byteLength(dtype, dims)
  for (const node of graph.nodes) {
    for (const attribute of Object.values(node.attributes)) {
      if (attribute.type === 'tensor' && node.op === 'Constant') {
        bytes += byteLength(attribute.value.dtype, attribute.value.dims)
      }
    }
  }
  return bytes
}

/** Counted in the models themselves: every head that a split mode of the bundle uses. */
export function headCosts(bundle: Bundle): Map<HeadRole, HeadCost> {
  const { name, dims } = bundle.manifest.input
  const roles = new Set(splitModes(bundle).map(headOf))
  return new Map(
    Array.from(roles, (role) => {
      const model = readModel(bundle.modelBytes(role))
      const { macs } = inspectModel(model, { [name]: [1, ...dims] })
      return [role, { macs, bytes: tensorBytes(model.graph) }]
    }),
  )
}

/** All heads that a device holds, ready for every mode. */
export const encoderBytes = (costs: ReadonlyMap<HeadRole, HeadCost>): number =>
  [...costs.values()].reduce((sum, { bytes }) => sum + bytes, 0)

/** Multiply-adds, size and time of the heads. `headMs` is that of the widest head, one frame, one thread. */
export async function measureEncoder(world: World): Promise<Part> {
  const { bundle, quick, say } = world
  say('timing the heads')
  const { input, latent } = bundle.manifest
  const costs = headCosts(bundle)
  const runs = quick ? 200 : 2000
  const heads: Record<string, { macsM: number; kB: number; msP50: number; interval95: readonly number[] }> =
    {}
  for (const [role, { macs, bytes }] of costs) {
    const session = await openSession(bundle.modelBytes(role), { intraOpThreads: 1 })
    const tensor = Float32Array.from({ length: input.dims.reduce((a, b) => a * b) }, (_, at) => Math.sin(at))
    const times: number[] = []
    for (let at = -runs / 10; at < runs; at++) {
      const startMs = performance.now()
      await run(session, input.name, [1, ...input.dims], tensor, latent!.name)
      if (at >= 0) times.push(performance.now() - startMs)
    }
    await session.dispose()
    heads[role] = {
      macsM: macs / 1e6,
      kB: bytes / 1000,
      msP50: median(times),
      interval95: medianInterval(times),
    }
  }
  const widest = Object.values(heads).reduce((a, b) => (b.macsM > a.macsM ? b : a))
  return {
    figures: { headMacsM: widest.macsM, encoderKB: encoderBytes(costs) / 1000, headMs: widest.msP50 },
    detail: { heads },
  }
}
