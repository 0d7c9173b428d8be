/** What is read of a stored result of suite `variants`. */
export interface StoredVariants {
  readonly detail: {
    readonly trainImages: number
    readonly stage1Epochs: number
    readonly stage2Epochs: number
    readonly variants: Readonly<
      Record<
        string,
        {
          readonly meaning: string
          readonly headMacs: readonly number[]
          readonly points: readonly {
            readonly width: number
            readonly top1: number
            readonly bytes: number
          }[]
        }
      >
    >
  }
}

/** A line for each variant and width: its dearest and its cheapest point. */
export function variantsTable({ detail }: StoredVariants): string[] {
  const rows = Object.entries(detail.variants).flatMap(([name, { meaning, headMacs, points }]) => {
    const widths = [...new Set(points.map(({ width }) => width))]
    return widths.map((width, at) => {
      const own = points.filter((point) => point.width === width).sort((a, b) => b.bytes - a.bytes)
      const ends = own.length > 1 ? [own[0]!, own.at(-1)!] : [own[0]!]
      const shown = ends
        .map(({ bytes, top1 }) => `${top1.toFixed(2)} % at ${bytes.toFixed(0)} bytes`)
        .join('; ')
      return `| ${name} | ${meaning} | ${width} | ${(headMacs[at]! / 1e6).toFixed(2)} | ${shown} |`
    })
  })
  const { trainImages, stage1Epochs, stage2Epochs } = detail
  return [
    `Each trained on the same ${trainImages} images for ${stage1Epochs + stage2Epochs} epochs.`,
    '',
    '| variant | what it is | width | head, M multiply-adds | top-1 |',
    '|---|---|---|---|---|',
    ...rows,
    '',
  ]
}
