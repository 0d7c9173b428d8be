import { type GraphASTNode, parse } from '@ts-graphviz/ast'
import { policyError } from '../../../errors.ts'

/** Longest text that is read, characters. */
const MOST_CHARACTERS = 10_000_000
/** Deepest subgraph in subgraph: the parser's time doubles with each. */
const MOST_NESTED = 8
/** Most nodes of the syntax tree: they bound the parser's time and memory. */
const MOST_NODES = 1_000_000

/** Syntax tree of the one directed graph that the text holds. Throws IsthmusError `BAD_GRAPH` that says where it breaks. */
export function parseDot(text: string): GraphASTNode {
  if (typeof text !== 'string') throw bad(`it is ${text === null ? 'null' : typeof text}, no text`)
  if (text.length > MOST_CHARACTERS) {
    throw bad(`it is ${text.length} characters long; at most ${MOST_CHARACTERS} are read`)
  }
  if (nestingOf(text) > MOST_NESTED) {
    throw bad(`subgraphs lie in each other; at most ${MOST_NESTED} levels of braces are read`)
  }
  const graph = graphOf(text)
  if (!graph.directed) throw bad('it is undirected; write "digraph" and "->" to say what waits for what')
  return graph
}

function graphOf(text: string): GraphASTNode {
  try {
    const options = { maxInputSize: 4 * MOST_CHARACTERS, maxASTNodes: MOST_NODES }
    return parse(text, options).children.find((child) => child.type === 'Graph')!
  } catch (error) {
    const { message, cause } = error as Error
    const { start } = (cause as { location?: { start: { line: number; column: number } } })?.location ?? {}
    const at = start ? `line ${start.line}, column ${start.column}: ` : ''
    throw bad(`${at}${message.slice(0, 300)}`)
  }
}

/** Comments, and what ends them; braces in them do not nest. */
const comments = [
  ['//', '\n'],
  ['#', '\n'],
  ['/*', '*/'],
] as const

/** Deepest brace outside of quotes, comments and HTML. */
function nestingOf(text: string): number {
  let depth = 0
  let deepest = 0
  let html = 0
  let quoted = false
  for (let at = 0; at < text.length; at++) {
    const character = text[at]!
    if (quoted) {
      if (character === '\\') at++
      else if (character === '"') quoted = false
    } else if (character === '<') html++
    else if (html > 0) html -= character === '>' ? 1 : 0
    else if (character === '"') quoted = true
    else if (character === '{') deepest = Math.max(deepest, ++depth)
    else if (character === '}') depth--
    else if (character === '/' || character === '#') {
      const comment = comments.find(([begin]) => text.startsWith(begin, at))
      if (!comment) continue
      const end = text.indexOf(comment[1], at + comment[0].length)
      if (end < 0) break
      at = end + comment[1].length - 1
    }
  }
  return deepest
}

const bad = (what: string) => policyError('BAD_GRAPH', `DOT text: ${what}`)
