import type { DistillationSettings } from '../bottleneck/index.ts'
import {
  type Candidate,
  type Finished,
  type Plan,
  type Profile,
  type TransformPlan,
  unfitReason,
  unsendableReason,
} from '../bottleneck/index.ts'
import { formatDuration } from '../train/progress.ts'
import { formatBytes, formatCount, formatShare, formatTable } from './kit/index.ts'

const indent = (text: string): string => text.replace(/^/gm, '  ')

/**
 * The places at which a bottleneck can go in, with what was measured of them; `*` marks the chosen one. `how`: what lies before it is
 * replaced, or its own map sent.
 */
export function proposalTable(
  { candidates, wholeMs }: Profile,
  side: number,
  chosen: string | undefined,
  how: 'replaced' | 'sent',
): string {
  const reason = how === 'sent' ? unsendableReason : unfitReason
  const rows = candidates.map((candidate: Candidate) => {
    const { cut, headMs } = candidate
    return [
      cut.tensor === chosen ? '*' : '',
      cut.tensor,
      cut.dims.slice(1).join('×'),
      `${headMs.toFixed(1)} ms`,
      `${Math.max(0, wholeMs - headMs).toFixed(1)} ms`,
      formatShare(cut.headShare),
      formatBytes(cut.uint8Bytes),
      reason(candidate, side) ?? 'yes',
    ]
  })
  const headings = [
    '',
    'cut',
    'map',
    ' up to it',
    ' behind it',
    ' multiply-adds',
    ' as uint8',
    `can be ${how}`,
  ]
  return `Where a bottleneck can go in (times on this machine; the whole teacher takes ${wholeMs.toFixed(1)} ms):\n${indent(formatTable(headings, rows))}`
}

/** What is about to happen, and how long it takes. */
export function describePlan(
  plan: Plan,
  settings: DistillationSettings,
  run: {
    readonly photos: number
    readonly views: number
    readonly heldOut: number
    readonly seconds: number
    readonly work: string
    readonly workBytes: number
  },
): string {
  const { shape, encoder, decoder, cut, points } = plan
  const strided = shape.encoder.map(({ channels, stride }) => `${channels} (÷${stride})`).join(', ')
  const followed =
    points.length > 1
      ? `, and at ${points
          .slice(1)
          .map((point) => point.tensor)
          .join(', ')}`
      : ''
  return [
    `Plan: replace everything up to ${cut.tensor}.`,
    `  encoder   channels ${strided}; ${formatCount(encoder.parameters)} parameters, ${formatCount(encoder.macs)} multiply-adds on the device`,
    `  latent    ${shape.latent.channels}×${shape.latent.side}×${shape.latent.side}, entropy coded`,
    `  decoder   ${formatCount(decoder.macs)} multiply-adds on the server, in front of the rest of the teacher`,
    `  photos    ${run.photos} to train on, ${run.views} views each; ${run.heldOut} kept back`,
    `  stage 1   ${settings.featureSteps} steps of ${settings.batch}: the teacher's values at the cut${followed}`,
    `  stage 2   ${settings.answerSteps} steps of ${settings.batch}: the teacher's answers`,
    `  time      about ${formatDuration(run.seconds)}; kept in ${run.work}, ${formatBytes(run.workBytes)} that you may delete afterwards`,
  ].join('\n')
}

/** The same when the network's own layers stay on the device. */
export function describeTransform(
  { cut, directions }: TransformPlan,
  { train, heldOut }: { readonly train: readonly string[]; readonly heldOut: readonly string[] },
): string {
  return [
    `Plan: the device keeps everything up to ${cut.tensor}, ${formatShare(cut.headShare)} of the multiply-adds.`,
    `  latent    ${directions}×${cut.dims.slice(2).join('×')}: the ${directions} directions in which its ${cut.dims[1]} channels vary most, entropy coded`,
    `  photos    ${train.length} to measure that on; ${heldOut.length} kept back`,
    '  training  none; --encoder small trains an encoder for devices that cannot carry these layers',
  ].join('\n')
}

/** The modes and codecs that were measured, and what follows from them. */
export function resultTable({ evaluation, ratios, headBytes, manifest }: Finished): string {
  const kept = new Set(manifest.modes.map((mode) => mode.name))
  const rows = evaluation.ways
    .filter((way) => way.family !== 'split' || kept.has(way.name))
    .map((way) => [way.name, formatBytes(way.bytes), formatShare(way.agreement)])
  const best = ratios.map(
    ({ mode, family, codecBytes, ratio }) =>
      `  ${mode.name} agrees on ${formatShare(mode.agreement)} with ${formatBytes(mode.bytes)}; ${family} needs ${formatBytes(codecBytes)} for that, ${ratio.toFixed(2)} times as much`,
  )
  return [
    indent(formatTable(['way', ' sent', ' agrees'], rows)),
    `  agrees: same best guess as the whole teacher, on ${evaluation.photos} photos that the training never saw.`,
    `  encoder ${formatBytes(headBytes)}, ${evaluation.headMs.toFixed(1)} ms here; teacher ${evaluation.teacherMs.toFixed(1)} ms, decoder and rest ${evaluation.tailMs.toFixed(1)} ms.`,
    ...best,
  ].join('\n')
}
