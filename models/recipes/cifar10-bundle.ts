import { join } from 'node:path'
import { loadBundle, type ManifestDraft, type Mode } from '../bundle/index.ts'
import { cifar10Labels } from '../data/index.ts'
import { weightsOf } from '../nets/index.ts'
import { type ConstantTensor, readModel } from '../onnx/index.ts'
import { normalisation } from './measure.ts'

export const inputDims: [number, number, number] = [3, 32, 32]

/** What the manifests of all three networks share. */
export const cifar10Manifest = {
  version: '0.1.0',
  task: 'classification',
  labels: [...cifar10Labels],
  input: {
    name: 'input',
    dims: inputDims,
    layout: 'NCHW',
    mean: [...normalisation.mean],
    std: [...normalisation.std],
    fit: 'cover',
  },
  output: { name: 'logits', dims: [10], kind: 'logits' },
  measuredOn: 'CIFAR-10 test set, 10,000 images',
} satisfies Partial<ManifestDraft>

/** The trained weights of another recipe's bundle. */
export async function weightsFrom(
  bundlesFolder: string,
  name: string,
  role: 'full' | 'local',
): Promise<Map<string, ConstantTensor>> {
  const bundle = await loadBundle(join(bundlesFolder, name))
  return weightsOf(readModel(bundle.modelBytes(role)))
}

/** The mode in which a device's own network answers. */
export const localMode = ({ accuracy, macs }: { accuracy?: number; macs: number }) =>
  ({
    id: 1,
    name: 'local',
    route: 'local',
    accuracy: accuracy!,
    payloadBytes: 0,
    headMacs: macs,
    tailMacs: 0,
  }) as const

/** A recipe's settings as a manifest records them, each under the recipe's name. */
export const recorded = (
  settings: Readonly<Record<string, string | number | readonly number[]>>,
): Record<string, string | number> =>
  Object.fromEntries(
    Object.entries(settings).map(([key, value]) => [
      `${settings.name}.${key}`,
      typeof value === 'object' ? value.join(' ') : value,
    ]),
  )

export const percent = (share: number): string => `${(100 * share).toFixed(2)} %`

/** A line for each mode: name, accuracy, bytes. */
export const modeTable = (modes: readonly Mode[]): string =>
  modes
    .map((mode) => `${mode.name.padEnd(14)} top-1 ${percent(mode.accuracy ?? 0)}, ${mode.payloadBytes} bytes`)
    .join('\n')
