/** What is read of a stored result of suite `tax`. */
export interface StoredTax {
  readonly detail: {
    readonly trainImages: number
    readonly imitateEpochs: number
    readonly fineTuneEpochs: number
    readonly taxes: readonly { readonly name: string; readonly taxPts: number }[]
    readonly members: Readonly<
      Record<
        string,
        {
          readonly meaning: string
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

/** A line for each operating point, and what the fixed ones are ahead of the slimmable one. */
export function taxTable({ detail }: StoredTax): string[] {
  const { trainImages, imitateEpochs, fineTuneEpochs, taxes, members } = detail
  const rows = Object.entries(members).flatMap(([name, { meaning, points }]) => {
    const tax = taxes.find((one) => one.name === name)
    return points.map(
      ({ width, top1, bytes }) =>
        `| ${name} | ${meaning} | ${width} | ${bytes.toFixed(0)} | ${top1.toFixed(2)} | ${tax ? tax.taxPts.toFixed(2) : ''} |`,
    )
  })
  return [
    `On the same ${trainImages} images: ${imitateEpochs} epochs of imitation, ${fineTuneEpochs} of fine-tuning.`,
    '',
    '| encoder | what it is | width | bytes | top-1, % | ahead of the slimmable one, points |',
    '|---|---|---|---|---|---|',
    ...rows,
    '',
  ]
}
