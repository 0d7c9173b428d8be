import { byteLength, type ConstantTensor, elementCount, integerValues, type Model } from '../onnx/index.ts'

/**
 * Replaces each slice that takes the first entries of a constant (a prefix-sliced kernel) by what it gives, and drops constants that
 * nobody uses any more: a net of one width on its own, with nothing of the wider ones in it.
 */
export function foldSlices(model: Model): Model {
  const { graph } = model
  const initializers = new Map(graph.initializers)
  const nodes = graph.nodes.filter((node) => {
    const [data, starts, ends, axes] = node.inputs.map((name) => graph.initializers.get(name))
    const isPrefix = node.op === 'Slice' && node.inputs.length === 4 && data && starts && ends && axes
    if (!isPrefix || integerValues(starts).some((start) => start !== 0)) return true
    const dims = [...data.dims]
    for (const [at, axis] of integerValues(axes).entries()) {
      if (axis < 0) return true
      dims[axis] = Math.min(dims[axis]!, integerValues(ends)[at]!)
    }
    initializers.set(node.outputs[0]!, prefix(data, dims))
    return false
  })
  const used = new Set([
    ...nodes.flatMap((node) => node.inputs),
    ...graph.outputs.map((output) => output.name),
  ])
  for (const name of initializers.keys()) if (!used.has(name)) initializers.delete(name)
  return { ...model, graph: { ...graph, nodes, initializers } }
}

/** The entries of `tensor` below `dims` along every axis. */
function prefix(tensor: ConstantTensor, dims: readonly number[]): ConstantTensor {
  const size = byteLength(tensor.dtype, [1])
  const out = new Uint8Array(byteLength(tensor.dtype, dims))
  const run = dims.at(-1) ?? 1
  for (let row = 0; row < elementCount(dims) / run; row++) {
    let from = 0
    let rest = row
    let stride = tensor.dims.at(-1) ?? 1
    for (let axis = dims.length - 2; axis >= 0; axis--) {
      from += (rest % dims[axis]!) * stride
      rest = Math.floor(rest / dims[axis]!)
      stride *= tensor.dims[axis]!
    }
    out.set(tensor.bytes.subarray(from * size, (from + run) * size), row * run * size)
  }
  return { dtype: tensor.dtype, dims: [...dims], bytes: out }
}
