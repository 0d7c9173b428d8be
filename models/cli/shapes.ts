import { usageError } from './kit/index.ts'

/** Shapes from `--shape NAME=1x3x224x224`, which may be repeated. */
export function parseShapes(options: readonly string[]): Record<string, number[]> {
  return Object.fromEntries(
    options.map((option) => {
      const at = option.lastIndexOf('=')
      const dims = option
        .slice(at + 1)
        .split(/[x,]/)
        .map(Number)
      if (at < 1 || dims.some((dim) => !Number.isSafeInteger(dim) || dim < 1)) {
        throw usageError(`--shape ${option} is not of the form NAME=1x3x224x224.`)
      }
      return [option.slice(0, at), dims]
    }),
  )
}
