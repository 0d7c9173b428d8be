import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type NormLayout,
  type NormParameters,
  normLayoutOf,
  plainWeights,
  readNormParameters,
  unfoldBatchNorm,
} from '@isthmus/models/adapt'
import { seededRandom } from '@isthmus/models/data'
import { readModel } from '@isthmus/models/onnx'
import { encodePatch, newPatchKeys, type PatchDtype } from '@isthmus/models/patch'
import { type FleetUpdateOptions, simulateUpdate, type UpdateFamily } from '@isthmus/policies/sim/update'
import type { Part } from '../part.ts'
import type { FigureSpec, SuiteContext } from '../suite.ts'

export const fleetUpdateFigures: readonly FigureSpec[] = [
  {
    name: 'fleetUpdated',
    meaning:
      'share of 1,000 simulated devices that hold the newest patch within a day, the worst of all ways',
    target: { atLeast: 1 },
    kind: 'result',
  },
  {
    name: 'fleetGatewayBytesRatio',
    meaning: 'bytes that leave the server with 20 gateways, against a link for each device',
    target: { atMost: 0.1 },
    kind: 'result',
  },
  {
    name: 'fleetSubsetSaving',
    meaning: 'bytes saved by sending the last normalisation layer only (SwarmUpdate: one layer of eight)',
    target: { about: 0.733 },
    kind: 'result',
  },
]

const SEED = 11
const GATEWAYS = 20
const SLEEP = { everyS: 600, awakeS: 30 }
/** What narrow radios carry, bit/s. */
const NARROW = [2e4, 2e5] as const

interface BenchFamily extends UpdateFamily {
  readonly name: string
  readonly devices: number
  readonly base: NormParameters
}

/** The networks of devices: base networks that ship with Isthmus, and how many of a thousand devices run each. */
async function benchFamilies(bundles: string): Promise<BenchFamily[]> {
  const random = seededRandom(SEED)
  const noise = Float32Array.from({ length: 8 * 3072 }, () => random.normal())
  const open = async (file: string, devices: number, isFolded = false): Promise<BenchFamily> => {
    const bytes = await readFile(join(bundles, file))
    const plain = plainWeights(readModel(bytes))
    const inputs = [{ dtype: 'float32' as const, dims: [8, 3, 32, 32], data: noise }]
    const model = isFolded ? await unfoldBatchNorm(plain, inputs) : plain
    const layout = normLayoutOf(model)
    const family = createHash('sha256').update(bytes).digest()
    return { name: file, devices, family, layout, base: readNormParameters(model, layout) }
  }
  return [
    await open('cifar10-adaptable/local.onnx', 500),
    await open('cifar10/head.onnx', 300, true),
    await open('cifar10-adaptable/full.onnx', 200),
  ]
}

/** Every number somewhat elsewhere, as adaptation leaves them: what codes have to hold, and deflate finds no pattern in. */
function moved({ scale, shift, mean, variance }: NormParameters): NormParameters {
  const random = seededRandom(SEED + 1)
  return {
    scale: scale.map((value) => value * (1 + 0.03 * random.normal())),
    shift: shift.map((value) => value + 0.05 * random.normal()),
    mean: mean.map((value, at) => value + 0.3 * Math.sqrt(variance[at]!) * random.normal()),
    variance: variance.map((value) => value * Math.exp(0.5 * random.normal())),
  }
}

const lastLayer = ({ layers }: NormLayout): number[] => [layers.length - 1]

/** Time and bytes until 1,000 devices of three families hold a patch, each way to send it. */
export async function measureFleetUpdate({ bundles, say }: SuiteContext): Promise<Part> {
  const families = await benchFamilies(bundles)
  const { privateKey, publicKey } = newPatchKeys()
  const patchOf = ({ layout, family, base }: BenchFamily, dtype: PatchDtype, isWhole: boolean): Uint8Array =>
    encodePatch({
      layout,
      family,
      epoch: 1,
      version: 1,
      target: moved(base),
      reference: base,
      dtype,
      ...(isWhole ? {} : { layers: lastLayer(layout) }),
      issuedS: 0,
      privateKey,
    }).bytes
  const played = (dtype: PatchDtype, isWhole: boolean, hasGateways: boolean, sleeps: boolean) => {
    const patches = families.map((family) => patchOf(family, dtype, isWhole))
    const options: FleetUpdateOptions = {
      seed: SEED,
      families,
      publicKey,
      devices: families.map(({ devices }, family) => ({
        count: devices,
        family,
        link: { kind: 'fixed', rateBps: NARROW },
        lossRatio: 0.05,
        ...(sleeps ? { sleep: SLEEP } : {}),
      })),
      ...(hasGateways
        ? {
            gateways: {
              count: GATEWAYS,
              link: { kind: 'fixed', rateBps: NARROW },
              lossRatio: 0.05,
              localBps: 1e6,
              localLossRatio: 0.02,
            },
          }
        : {}),
      releases: patches.map((bytes) => ({ atS: 0, bytes })),
      serverBps: 1e7,
    }
    const { refused, ...result } = simulateUpdate(options)
    return {
      dtype,
      layers: isWhole ? 'all' : 'the last',
      gateways: hasGateways ? GATEWAYS : 0,
      sleeps,
      patchBytes: patches.map(({ length }) => length),
      ...result,
      refused: { ...refused },
    }
  }
  say('updating 1,000 simulated devices')
  const both = [false, true]
  const rows = both.flatMap((sleeps) =>
    both.flatMap((hasGateways) =>
      (['float32', 'int8'] as const).flatMap((dtype) =>
        [true, false].map((isWhole) => played(dtype, isWhole, hasGateways, sleeps)),
      ),
    ),
  )
  const row = (dtype: PatchDtype, layers: string, gateways: number) =>
    rows.find(
      (one) => one.dtype === dtype && one.layers === layers && one.gateways === gateways && !one.sleeps,
    )!
  const direct = row('int8', 'all', 0)
  return {
    figures: {
      fleetUpdated: Math.min(...rows.map(({ updated, devices }) => updated / devices)),
      fleetGatewayBytesRatio: row('int8', 'all', GATEWAYS).serverBytes / direct.serverBytes,
      fleetSubsetSaving: 1 - row('int8', 'the last', 0).serverBytes / direct.serverBytes,
    },
    detail: {
      fleetUpdate: {
        seed: SEED,
        families: families.map(({ name, devices, layout }) => ({
          name,
          devices,
          layers: layout.layers.length,
          channels: layout.channels,
        })),
        uplinkBps: NARROW,
        lossRatio: 0.05,
        sleep: SLEEP,
        rows,
      },
    },
  }
}
