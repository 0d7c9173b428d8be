const scaled = (value: number, units: readonly string[]): string => {
  let unit = 0
  let rest = value
  while (rest >= 999.5 && unit < units.length - 1) {
    rest /= 1000
    unit++
  }
  const digits = unit === 0 || rest >= 99.95 ? 0 : rest >= 9.995 ? 1 : 2
  return `${rest.toFixed(digits)}${units[unit]}`
}

/** 1234567 as "1.23 MB" (powers of 1000). */
export const formatBytes = (bytes: number): string => scaled(bytes, [' B', ' kB', ' MB', ' GB', ' TB'])

/** 1234567 as "1.23 M". */
export const formatCount = (count: number): string => scaled(count, ['', ' k', ' M', ' G', ' T'])

export const formatShare = (share: number): string => `${(100 * share).toFixed(1)} %`

/** How `bytes` compares with a yardstick: "3.1× more", "2.0× fewer". */
export function formatRatio(bytes: number, yardstick: number): string {
  const ratio = bytes / yardstick
  return ratio > 1 ? `${ratio.toFixed(1)}× more` : `${(1 / ratio).toFixed(1)}× fewer`
}

/** Columns padded to their widest cell; those whose heading starts with a space are aligned to the right. */
export function formatTable(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [headings.map((heading) => heading.trim()), ...rows]
  const widths = headings.map((_, i) => Math.max(...all.map((row) => row[i]!.length)))
  return all
    .map((row) =>
      row
        .map((cell, i) =>
          headings[i]!.startsWith(' ') ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
