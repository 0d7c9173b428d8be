import { nearestNames } from '@isthmus/models/nearest-names'
import type {
  AttributeASTNode,
  ClusterStatementASTNode,
  EdgeTargetASTNode,
  LiteralASTNode,
} from '@ts-graphviz/ast'
import { policyError } from '../../../errors.ts'
import { checkTaskGraph, type GraphLimits } from '../check-task-graph.ts'
import type { Dependency, Task, TaskGraph } from '../task-graph.ts'
import { parseDot } from './parse-dot.ts'

/** What DOT text may leave out. */
export interface DotOptions extends GraphLimits {
  /** Cycles of a node without the attribute `cycles`. Default: such a node is refused. */
  readonly cycles?: number
  /** Bits of an edge without the attribute `bits`. Default 0. */
  readonly bits?: number
}

type Attributes = Map<string, string>

/** What `node [...]` and `edge [...]` say, as far as the braces reach. */
interface Defaults {
  readonly node: Attributes
  readonly edge: Attributes
}

interface Found {
  /** Edges that may still come: two groups of a thousand make a million. */
  edgesLeft: number
  readonly nodes: Map<string, Attributes>
  /** By waiting node, then by the one that it waits for; more than one entry: the edge is there twice. */
  readonly edges: Map<string, Map<string, Attributes[]>>
  readonly graph: Attributes
  readonly strict: boolean
}

/**
 * Reads a directed graph in Graphviz' DOT language: nodes are tasks, `a -> b` says that b waits for a.
 *
 * Attributes: of nodes `cycles`, `inputBits` and `outputBits` (default 0), and `divisible`, of edges `bits` (default `options.bits`, else 0), of the
 * graph `deadlineS`; its name is the graph's. Others, labels and colours, are left aside. `node [cycles=1e9]` and `edge [bits=8e6]`
 * count for the nodes and edges that follow, as in Graphviz. Read are chains `a -> b -> c`, groups `a -> {b c}`, quoted names (two
 * backslashes mean one), subgraphs up to 8 deep, ports (left aside). Not read: an edge that ends at a `subgraph`.
 *
 * @throws IsthmusError `BAD_GRAPH` with line and column, or the node and attribute; and what `checkTaskGraph` throws
 */
export function graphFromDot(text: string, options: DotOptions = {}): TaskGraph {
  const { id, strict, children } = parseDot(text)
  const edgesLeft = options.maxDependencies ?? 1_000_000
  const found: Found = { edgesLeft, nodes: new Map(), edges: new Map(), graph: new Map(), strict }
  readStatements(children, { node: new Map(), edge: new Map() }, found, true)
  const tasks = Array.from(found.nodes, ([name, attributes]) => taskOf(name, attributes, found, options))
  const deadlineS = numberOf('the graph', found.graph, 'deadlineS')
  const name = id === undefined ? undefined : textOf(id)
  return checkTaskGraph(
    { ...(name !== undefined && { name }), tasks, ...(deadlineS !== undefined && { deadlineS }) },
    options,
  )
}

function readStatements(
  statements: readonly ClusterStatementASTNode[],
  outer: Defaults,
  found: Found,
  top = false,
): void {
  const defaults: Defaults = { node: new Map(outer.node), edge: new Map(outer.edge) }
  const nodeAt = (literal: LiteralASTNode): [string, Attributes] => {
    const name = textOf(literal)
    const attributes = found.nodes.get(name) ?? new Map(defaults.node)
    found.nodes.set(name, attributes)
    return [name, attributes]
  }
  for (const statement of statements) {
    switch (statement.type) {
      case 'Node':
        write(statement.children, nodeAt(statement.id)[1])
        break
      case 'Edge': {
        const ends = statement.targets.map((end) => literalsOf(end).map((each) => nodeAt(each)[0]))
        const attributes = write(statement.children, new Map(defaults.edge))
        for (let at = 1; at < ends.length; at++) {
          for (const from of ends[at - 1]!) for (const to of ends[at]!) addEdge(found, from, to, attributes)
        }
        break
      }
      case 'AttributeList':
        if (statement.kind === 'Node') write(statement.children, defaults.node)
        else if (statement.kind === 'Edge') write(statement.children, defaults.edge)
        else if (top) write(statement.children, found.graph)
        break
      case 'Attribute':
        if (top) write([statement], found.graph)
        break
      case 'Subgraph':
        readStatements(statement.children, defaults, found)
        break
    }
  }
}

function addEdge(found: Found, from: string, to: string, attributes: Attributes): void {
  if (found.edgesLeft-- <= 0) throw bad(`edge "${from}" -> "${to}": there are too many edges before it`)
  const before = found.edges.get(to) ?? new Map<string, Attributes[]>()
  found.edges.set(to, before)
  const same = before.get(from)
  if (!same) before.set(from, [attributes])
  // In a strict graph there is one edge between two nodes, and what is said of it adds up.
  else if (found.strict) same[0] = new Map([...same[0]!, ...attributes])
  else same.push(attributes)
}

function taskOf(id: string, attributes: Attributes, { edges }: Found, options: DotOptions): Task {
  const node = `node "${id}"`
  const cycles = numberOf(node, attributes, 'cycles') ?? options.cycles
  if (cycles === undefined) {
    const [nearest] = nearestNames('cycles', attributes.keys(), 1)
    const other = nearest === undefined ? '' : ` (it has "${nearest}")`
    throw bad(`${node}: the attribute "cycles" is missing${other}`)
  }
  const inputBits = numberOf(node, attributes, 'inputBits')
  const outputBits = numberOf(node, attributes, 'outputBits')
  const divisible = flagOf(node, attributes, 'divisible')
  const after = Array.from(edges.get(id) ?? [], ([task, same]) =>
    same.map((edge): Dependency => {
      const bits = numberOf(`edge "${task}" -> "${id}"`, edge, 'bits') ?? options.bits ?? 0
      return { task, bits }
    }),
  ).flat()
  return {
    id,
    cycles,
    ...(inputBits !== undefined && { inputBits }),
    ...(outputBits !== undefined && { outputBits }),
    ...(divisible !== undefined && { divisible }),
    ...(after.length > 0 && { after }),
  }
}

function literalsOf(end: EdgeTargetASTNode): LiteralASTNode[] {
  const literals = end.type === 'NodeRef' ? [end.id] : end.children.map(({ id }) => id)
  for (const { value, quoted } of literals) {
    // The parser takes the word for a node's name.
    if (quoted === false && value.toLowerCase() === 'subgraph') {
      throw bad('an edge cannot end at a subgraph; name its nodes in braces: a -> {b c}')
    }
  }
  return literals
}

function write(statements: readonly { readonly type: string }[], into: Attributes): Attributes {
  for (const statement of statements) {
    if (statement.type !== 'Attribute') continue
    const { key, value } = statement as AttributeASTNode
    into.set(key.value, value.value)
  }
  return into
}

const textOf = ({ value, quoted }: LiteralASTNode): string =>
  quoted === true ? value.replaceAll('\\\\', '\\') : value

const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i

function numberOf(owner: string, attributes: Attributes, key: string): number | undefined {
  const text = attributes.get(key)
  if (text === undefined) return undefined
  if (!DECIMAL.test(text)) throw bad(`${owner}: ${key} is "${text.slice(0, 100)}", no number`)
  return Number(text)
}

function flagOf(owner: string, attributes: Attributes, key: string): boolean | undefined {
  const text = attributes.get(key)
  if (text === undefined) return undefined
  if (text !== 'true' && text !== 'false')
    throw bad(`${owner}: ${key} is "${text.slice(0, 100)}"; it must be true or false`)
  return text === 'true'
}

const bad = (what: string) => policyError('BAD_GRAPH', `DOT text: ${what}`)
