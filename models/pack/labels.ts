import { sep } from 'node:path'
import { packError } from './errors.ts'

/** As much as a manifest takes. */
const longestLabel = 200

function decodeText(bytes: Uint8Array): string {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    if (!text.includes('\0')) return text
  } catch {
    // Falls through to the same refusal.
  }
  throw packError(
    'LABELS_MISMATCH',
    'The file of labels is no UTF-8 text: save it as UTF-8, one class a line.',
  )
}

/**
 * The labels of a text file in UTF-8, one a line, in the order of the network's output. Throws LABELS_MISMATCH for another
 * encoding, an empty line, and a label that no manifest takes.
 */
export function parseLabels(bytes: Uint8Array): string[] {
  const lines = decodeText(bytes)
    .split(/\r\n|\r|\n/)
    .map((line) => line.trim())
  while (lines.at(-1) === '') lines.pop()
  const empty = lines.indexOf('')
  if (empty >= 0) {
    throw packError(
      'LABELS_MISMATCH',
      `Line ${empty + 1} of the labels is empty: every line names one class.`,
    )
  }
  const long = lines.findIndex((line) => line.length > longestLabel)
  if (long >= 0) {
    throw packError(
      'LABELS_MISMATCH',
      `Line ${long + 1} of the labels has ${lines[long]!.length} characters; a label has ${longestLabel} at most.`,
    )
  }
  if (lines.length === 0)
    throw packError('LABELS_MISMATCH', 'The file of labels is empty: name one class a line.')
  return lines
}

/** Throws LABELS_MISMATCH, with both counts and what may be meant, unless there is one label for each output. */
export function checkLabelCount(labels: readonly string[], outputs: number, background: boolean): void {
  if (labels.length === outputs) return
  const have = background
    ? `There are ${labels.length} labels (${labels.length - 1} in the file and the background)`
    : `There are ${labels.length} labels`
  const hint =
    !background && labels.length + 1 === outputs
      ? ' If the first output is a background class, add --background.'
      : background && labels.length - 1 === outputs
        ? ' Leave --background out: the file has a label for every output.'
        : ' One line of the file is the label of one output, in the same order.'
  throw packError('LABELS_MISMATCH', `${have}, and the network has ${outputs} outputs.${hint}`)
}

const key = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[\s._-]+/g, ' ')
    .trim()

/**
 * Finds the class of a photo from its path below the folder of labelled photos: the name of its folder, or else the
 * start of the file's own name, is a label (case, spaces, `-` and `_` make no difference) or a class number. Numbers
 * count the classes from 0, without the background that was added.
 *
 * The function that it returns throws LABELS_MISMATCH naming the photo when nothing fits, or two labels do.
 */
export function labelFinder(labels: readonly string[], background: boolean): (path: string) => number {
  const first = background ? 1 : 0
  const byName = new Map<string, number>()
  const twice = new Set<string>()
  labels.forEach((label, index) => {
    const name = key(label)
    if (byName.has(name)) twice.add(name)
    else byName.set(name, index)
  })
  const byNumber = (digits: string | undefined): number | undefined => {
    const index = digits === undefined ? -1 : first + Number(digits)
    return index >= first && index < labels.length ? index : undefined
  }
  return (path) => {
    const words = path.split(sep)
    const folder = key(words.at(-2) ?? '')
    const stem = key(words.at(-1)!.replace(/\.[^.]*$/, ''))
    // "great white shark 12": the longest of "great white shark 12", "great white shark", "great white", "great".
    const starts = stem.split(' ').map((_, i, all) => all.slice(0, all.length - i).join(' '))
    const name = [folder, ...starts].find((candidate) => byName.has(candidate))
    const numbered = () => byNumber(/^\d+$/.exec(folder)?.[0]) ?? byNumber(/^\d+(?= |$)/.exec(stem)?.[0])
    const index = name === undefined ? numbered() : byName.get(name)
    if (index === undefined) {
      throw packError(
        'LABELS_MISMATCH',
        `What is on "${path}"? Put labelled photos into a folder named after the label, or start the file's name with it.`,
      )
    }
    if (name !== undefined && twice.has(name)) {
      throw packError(
        'LABELS_MISMATCH',
        `"${path}": two classes are labelled "${labels[index]}". Name the folder by the class's number, from 0.`,
      )
    }
    return index
  }
}
