import type { TaskGraph } from '../task-graph.ts'

/**
 * The graph in Graphviz' DOT language, for people to look at: `dot -Tsvg graph.dot > graph.svg`. Labels hold cycles and bits in
 * rounded form; attributes hold them in full, so that `graphFromDot` reads the same graph again.
 */
export function taskGraphToDot({ name, tasks, deadlineS }: TaskGraph): string {
  const lines = [`digraph ${name === undefined ? '' : `${quoted(name)} `}{`]
  if (deadlineS !== undefined) lines.push(`  deadlineS="${deadlineS}"`)
  lines.push('  node [shape=box]')
  for (const { id, cycles, inputBits, outputBits, divisible } of tasks) {
    const label = [id, `${rounded(cycles)}cycles`]
    if (inputBits) label.push(`in ${rounded(inputBits)}bit`)
    if (outputBits) label.push(`out ${rounded(outputBits)}bit`)
    const attributes = [`cycles="${cycles}"`]
    if (inputBits !== undefined) attributes.push(`inputBits="${inputBits}"`)
    if (outputBits !== undefined) attributes.push(`outputBits="${outputBits}"`)
    if (divisible !== undefined) attributes.push(`divisible="${divisible}"`)
    attributes.push(`label=${labelled(label)}`)
    lines.push(`  ${quoted(id)} [${attributes.join(', ')}]`)
  }
  for (const { id, after = [] } of tasks) {
    for (const { task, bits } of after) {
      const label = bits > 0 ? `, label=${labelled([`${rounded(bits)}bit`])}` : ''
      lines.push(`  ${quoted(task)} -> ${quoted(id)} [bits="${bits}"${label}]`)
    }
  }
  return `${lines.join('\n')}\n}\n`
}

const escaped = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')

const quoted = (text: string): string => `"${escaped(text)}"`

/** Graphviz reads entities in labels. */
const labelled = (lines: readonly string[]): string =>
  `"${lines.map((line) => escaped(line.replaceAll('&', '&amp;'))).join('\\n')}"`

const prefixes = ['', 'k', 'M', 'G', 'T', 'P', 'E'] as const

function rounded(amount: number): string {
  let step = 0
  let value = amount
  while (value >= 999.5 && step < prefixes.length - 1) {
    value /= 1000
    step++
  }
  return `${Number(value.toPrecision(3))} ${prefixes[step]}`
}
