import type { SplitResult } from './split-result.ts'

export const shown = (value: number): string =>
  Number.isInteger(value) || Math.abs(value) >= 1e6 ? String(value) : String(Number(value.toPrecision(4)))

const or = (value: number | undefined): string => (value === undefined ? '' : shown(value))

type Cell = string | number | undefined

function table(head: readonly string[], rows: readonly (readonly Cell[])[]): string[] {
  const line = (cells: readonly Cell[]) =>
    `| ${cells.map((cell) => (typeof cell === 'number' ? shown(cell) : (cell ?? ''))).join(' | ')} |`
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line), '']
}

/** The operating points of the bundle: what crosses for a frame, and what it costs in accuracy. */
function modesTable({ detail }: SplitResult): string[] {
  return table(
    [
      'mode',
      'bytes per frame, mean',
      'as pickled',
      'head, M multiply-adds',
      'top-1, %',
      'below the teacher, points',
      'ExR-D, kB²',
    ],
    Object.entries(detail.modes).map(([name, mode]) => [
      name,
      mode.meanPayloadBytes,
      or(mode.meanPickledBytes),
      or(mode.headMacsM),
      mode.top1,
      mode.dropPts,
      or(mode.exrdKB2),
    ]),
  )
}

/** Beside each mode the image codec that is as good with the fewest bytes. */
function codecTable(
  comparison: readonly {
    name: string
    bytes: number
    score: number
    codec: string
    codecBytes: number
    ratio: number
  }[],
  what: string,
): string[] {
  return table(
    ['mode', 'bytes', what, 'best image codec there', 'its bytes, no headers', 'ratio'],
    comparison.map(({ name, bytes, score, codec, codecBytes, ratio }) => [
      name,
      bytes,
      score,
      codec,
      codecBytes,
      ratio,
    ]),
  )
}

function othersTable({ peers }: SplitResult): string[] {
  const { bottlefit8bit: plain, untrainedCuts = [] } = peers
  const cuts = untrainedCuts.flatMap(({ tensor, headMacsM, uint8, channelDeflate }) => [
    [`teacher cut at ${tensor}, uint8`, uint8.bytes, uint8.pickledBytes, headMacsM, uint8.top1],
    [
      `the same, range per channel and Huffman`,
      channelDeflate.bytes,
      channelDeflate.pickledBytes,
      headMacsM,
      channelDeflate.top1,
    ],
  ])
  const own = plain
    ? [['bottleneck of 8 bits, uncoded (CR+BQ)', plain.bytes, plain.pickledBytes, undefined, plain.top1]]
    : []
  const rows = [...own, ...cuts]
  if (rows.length === 0) return []
  return table(['other ways to split', 'bytes', 'as pickled', 'head, M multiply-adds', 'top-1, %'], rows)
}

/** Everything that docs/results.md says of suite `split` below its figures. `figures`: names of the figures in docs/figures. */
export function splitSections(result: SplitResult, figures: readonly string[]): string[] {
  const { codecComparison, inception } = result.detail
  const image = (name: string, text: string) =>
    figures.includes(name) ? [`![${text}](figures/${name})`, ''] : []
  return [
    ...image('split-cifar10.svg', 'Top-1 on CIFAR-10 against bytes per frame, ours and peers'),
    ...modesTable(result),
    ...(codecComparison
      ? [
          `Image codecs followed by the same teacher, both sides on ${codecComparison.pictures.replace(/, for both sides$/, '')}:`,
          '',
          ...codecTable(codecComparison.points, 'top-1, %'),
        ]
      : []),
    ...othersTable(result),
    ...(inception
      ? [
          `Inception V3 at 299 px, ${inception.photos} photos that the training did not see:`,
          '',
          ...image(
            'split-inception.svg',
            'Agreement with Inception V3 against bytes per photo, ours and image codecs',
          ),
          ...codecTable(inception.comparison, 'agreement, %'),
        ]
      : []),
  ]
}
