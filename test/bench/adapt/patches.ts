import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type AdaptableNetwork,
  copyNormParameters,
  NormForward,
  type NormParameters,
} from '@isthmus/models/adapt'
import type { CorruptionType } from '@isthmus/models/data'
import { encodePatch, newPatchKeys, type PatchDtype } from '@isthmus/models/patch'
import { argmax } from '@isthmus/models/train'
import type { Part } from '../part.ts'
import { mean } from '../seed-mean.ts'
import type { FigureSpec, SuiteContext } from '../suite.ts'
import { damagedStream } from './cell.ts'
import { openMethod } from './methods.ts'
import { type AdaptNetworks, inputOf, pixelsOf, studentFisher } from './networks.ts'
import { play } from './played.ts'

export const patchFigures: readonly FigureSpec[] = [
  {
    name: 'patchKB',
    meaning: 'a patch for all layers of the local network, float32, kB of 1000 bytes',
    target: { about: 31 },
    kind: 'result',
  },
  {
    name: 'patchInt8Ratio',
    meaning: 'bytes of the same patch as 8-bit differences ÷ bytes of it in float32',
    target: { atMost: 0.3 },
    kind: 'result',
  },
  {
    name: 'int8AccuracyLossPts',
    meaning: 'accuracy that a patch of 8-bit differences loses against float32, points, mean over damages',
    target: { atMost: 0.3 },
    kind: 'result',
  },
]

const types: readonly CorruptionType[] = ['gaussian_noise', 'fog', 'contrast', 'jpeg_compression']

/** What CEMA has come to after a stream, sent as a patch in each form; the network that results answers images it has not seen. */
export async function measurePatches(
  networks: AdaptNetworks,
  { quick, bundles, say }: SuiteContext,
): Promise<Part> {
  const { student, bundle } = networks
  const file = await readFile(join(bundles, bundle.manifest.name, bundle.manifest.models.local!.file))
  const family = createHash('sha256').update(file).digest()
  const { privateKey } = newPatchKeys()
  const fisher = await studentFisher(networks, 1)
  const count = quick ? 800 : 2000
  const judged = quick ? 1000 : 5000
  const rows = []
  for (const type of quick ? types.slice(1, 2) : types) {
    const { index, stream } = damagedStream(networks.test, {
      type,
      severity: 5,
      seed: 1,
      count: count + judged,
    })
    const method = await openMethod('cema', networks, fisher, 1)
    await play(method, networks, { ...stream, count }, index)
    const target = method.parameters()
    await method.dispose()
    const patchOf = (dtype: PatchDtype) =>
      encodePatch({
        layout: student.layout,
        family,
        epoch: 1,
        version: 1,
        target,
        reference: copyNormParameters(student.source),
        dtype,
        issuedS: 0,
        privateKey,
      })
    const images = Array.from({ length: judged }, (_, at) => pixelsOf(stream, count + at))
    const labels = stream.labels.subarray(count)
    const accuracy = (parameters: NormParameters) =>
      accuracyPct(student, networks, parameters, images, labels)
    const [whole, byte] = [patchOf('float32'), patchOf('int8')]
    const row = {
      type,
      float32Bytes: whole.bytes.length,
      float16Bytes: patchOf('float16').bytes.length,
      int8Bytes: byte.bytes.length,
      float32Accuracy: await accuracy(whole.result),
      int8Accuracy: await accuracy(byte.result),
    }
    say(`patch under ${type}: ${row.float32Bytes} bytes, ${row.int8Bytes} as int8`)
    rows.push(row)
  }
  return {
    figures: {
      patchKB: mean(rows.map((row) => row.float32Bytes)) / 1000,
      patchInt8Ratio: Math.max(...rows.map((row) => row.int8Bytes / row.float32Bytes)),
      int8AccuracyLossPts: mean(rows.map((row) => row.float32Accuracy - row.int8Accuracy)),
    },
    ...(quick ? { verdicts: { int8AccuracyLossPts: null } } : {}),
    detail: { patches: { images: judged, rows } },
  }
}

async function accuracyPct(
  { model, layout, classes }: AdaptableNetwork,
  networks: AdaptNetworks,
  parameters: NormParameters,
  images: readonly Uint8Array[],
  labels: Uint8Array,
): Promise<number> {
  const BATCH = 250
  const forward = await NormForward.open(model, layout, 'running', 1)
  let right = 0
  for (let first = 0; first < images.length; first += BATCH) {
    const batch = images.slice(first, first + BATCH)
    const { data } = await forward.run(inputOf(networks.student, networks, batch), parameters)
    batch.forEach((_, row) => {
      if (argmax(data, row * classes, classes) === labels[first + row]) right++
    })
  }
  await forward.dispose()
  return (100 * right) / images.length
}
