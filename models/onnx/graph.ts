import type { DType } from './dtype.ts'
import type { ConstantTensor } from './tensor.ts'

/** A dimension: a size, the name of a symbolic size, or null when the model does not say. */
export type Dimension = number | string | null

/** What a model says of a value that flows through it. */
export interface ValueInfo {
  readonly name: string
  readonly dtype: DType
  /** Absent when the rank is unknown. */
  readonly dims?: readonly Dimension[]
  /**
   * Only in subgraphs, whose signatures need no types: the type as it stands in the file when it is not that of a
   * tensor (no bytes: none is stated). `dtype` says nothing then.
   */
  readonly otherType?: Uint8Array
}

export type Attribute =
  | { readonly type: 'float'; readonly value: number }
  | { readonly type: 'int'; readonly value: number }
  /** `bytes`: as in the file, where they are no text; `value` says nothing then. */
  | { readonly type: 'string'; readonly value: string; readonly bytes?: Uint8Array }
  | { readonly type: 'tensor'; readonly value: ConstantTensor }
  | { readonly type: 'graph'; readonly value: Graph }
  | { readonly type: 'floats'; readonly value: readonly number[] }
  | { readonly type: 'ints'; readonly value: readonly number[] }
  | { readonly type: 'strings'; readonly value: readonly string[] }

/** One operator of a graph. An empty string among inputs or outputs is an optional one left out. */
export interface Node {
  readonly name: string
  readonly op: string
  /** '' is the standard operator set. */
  readonly domain: string
  /** Which of several functions of the model that share a name; absent for the only one. */
  readonly overload?: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly attributes: Readonly<Record<string, Attribute>>
}

/** An ONNX graph as plain data. Nodes are in an order in which they can run. */
export interface Graph {
  readonly name: string
  readonly nodes: readonly Node[]
  /** What a caller feeds: without initialisers, which old exporters list here too. */
  readonly inputs: readonly ValueInfo[]
  readonly outputs: readonly ValueInfo[]
  readonly initializers: ReadonlyMap<string, ConstantTensor>
  /** Types and shapes of inner values, as far as the file states them. */
  readonly values: ReadonlyMap<string, ValueInfo>
}

export interface Model {
  readonly irVersion: number
  /** Operator set version by domain; '' is the standard one. */
  readonly opsets: Readonly<Record<string, number>>
  readonly producer: string
  readonly graph: Graph
  readonly metadata: Readonly<Record<string, string>>
  /** Model-local functions, undecoded. */
  readonly functions: readonly Uint8Array[]
}

/** A short way to say which node is meant, for messages. */
export const describeNode = (node: Node): string =>
  `${node.op}${node.name ? ` "${node.name}"` : ''} (→ ${node.outputs.find((name) => name !== '') ?? 'nothing'})`

/** An integer attribute, or its default. */
export function intAttribute(node: Node, name: string, fallback: number): number {
  const attribute = node.attributes[name]
  return attribute?.type === 'int' ? attribute.value : fallback
}

/** A list-of-integers attribute, or its default. */
export function intsAttribute(node: Node, name: string, fallback: readonly number[]): readonly number[] {
  const attribute = node.attributes[name]
  return attribute?.type === 'ints' ? attribute.value : fallback
}

/** A float attribute, or its default. */
export function floatAttribute(node: Node, name: string, fallback: number): number {
  const attribute = node.attributes[name]
  return attribute?.type === 'float' ? attribute.value : fallback
}

/** A string attribute, or its default. */
export function stringAttribute(node: Node, name: string, fallback: string): string {
  const attribute = node.attributes[name]
  return attribute?.type === 'string' ? attribute.value : fallback
}
