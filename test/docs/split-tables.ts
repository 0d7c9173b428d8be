import type { SplitResult, StoredAutoencoder, StoredCut } from './split-result.ts'

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

type Row = readonly Cell[]

/** A network as it is, cut at some places, by each coding. */
const cutRows = (cuts: readonly StoredCut[], network: string): Row[] =>
  cuts.flatMap(({ tensor, headMacsM, uint8, channelDeflate, entropy8, entropy4 }) =>
    (
      [
        [`${network} cut at ${tensor}, uint8`, uint8],
        ['the same, range per channel and Huffman', channelDeflate],
        ['the same as `pack` codes it, 8 bits', entropy8],
        ['the same as `pack` codes it, 4 bits', entropy4],
      ] as const
    ).map(([what, { bytes, pickledBytes, score }]) => [what, bytes, pickledBytes, headMacsM, score]),
  )

const autoencoderRows = (autoencoders: readonly StoredAutoencoder[]): Row[] =>
  autoencoders.flatMap(({ channels, behind, headMacsM, entropy8, entropy4 }) =>
    ([8, 4] as const).map((bits) => {
      const { bytes, pickledBytes, score } = bits === 8 ? entropy8 : entropy4
      const what = `autoencoder of ${channels} channels behind ${behind}, ${bits} bits, coded`
      return [what, bytes, pickledBytes, headMacsM, score]
    }),
  )

const othersTable = (rows: readonly Row[], what: string): string[] =>
  rows.length === 0
    ? []
    : table(['other ways to split', 'bytes', 'as pickled', 'head, M multiply-adds', what], rows)

function cifarOthers({ peers }: SplitResult): Row[] {
  const { bottlefit8bit: plain, untrainedCuts = [], autoencoders = [] } = peers
  const own: Row[] = plain
    ? [['bottleneck of 8 bits, uncoded (CR+BQ)', plain.bytes, plain.pickledBytes, undefined, plain.top1]]
    : []
  return [...own, ...cutRows(untrainedCuts, 'teacher'), ...autoencoderRows(autoencoders)]
}

function inceptionOthers({ peers }: SplitResult): Row[] {
  const { inception8bit: plain, inceptionUntrainedCuts = [], inceptionAutoencoders = [] } = peers
  const own: Row[] = plain
    ? [
        [
          'the same bottleneck, 8 bits, uncoded (CR+BQ)',
          plain.bytes,
          plain.pickledBytes,
          undefined,
          plain.score,
        ],
      ]
    : []
  return [
    ...own,
    ...cutRows(inceptionUntrainedCuts, 'Inception V3'),
    ...autoencoderRows(inceptionAutoencoders),
  ]
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
    ...othersTable(cifarOthers(result), 'top-1, %'),
    ...(inception
      ? [
          `Inception V3 at 299 px, ${inception.photos} photos that the training did not see:`,
          '',
          ...image(
            'split-inception.svg',
            'Agreement with Inception V3 against bytes per photo, ours and image codecs',
          ),
          ...codecTable(inception.comparison, 'agreement, %'),
          ...othersTable(inceptionOthers(result), 'agreement, %'),
        ]
      : []),
  ]
}
