import type { GraphBuilder, Model } from '../onnx/index.ts'

/**
 * Puts a finished model into a graph that is being built, its constants and nodes under `prefix`, its inputs bound to `inputs` by
 * name. Returns the names of its outputs in order. The weights are not copied, and training leaves them alone.
 */
export function embedModel(
  g: GraphBuilder,
  model: Model,
  inputs: Readonly<Record<string, string>>,
  prefix: string,
): string[] {
  const { graph } = model
  const renamed = (name: string) => (name === '' ? '' : (inputs[name] ?? `${prefix}${name}`))
  for (const [name, tensor] of graph.initializers) g.constant(tensor, renamed(name))
  for (const node of graph.nodes) {
    g.node({
      ...node,
      name: `${prefix}${node.name}`,
      inputs: node.inputs.map(renamed),
      outputs: node.outputs.map(renamed),
    })
  }
  return graph.outputs.map((output) => renamed(output.name))
}
