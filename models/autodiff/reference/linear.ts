import { floatAttribute, intAttribute } from '../../onnx/index.ts'
import { at, atBroadcast, broadcastDims, type Dense, tabulate } from './dense.ts'
import { plain, type ReferenceRule } from './rule.ts'

function matMul(a: Dense, b: Dense): Dense {
  const inner = a.dims.at(-1)!
  const batch = broadcastDims(a.dims.slice(0, -2), b.dims.slice(0, -2))
  return tabulate([...batch, a.dims.at(-2)!, b.dims.at(-1)!], (index) => {
    const left = [...index]
    const right = [...index]
    let sum = 0
    for (let k = 0; k < inner; k++) {
      left[index.length - 1] = k
      right[index.length - 2] = k
      sum += atBroadcast(a, left) * atBroadcast(b, right)
    }
    return sum
  })
}

const turned = (x: Dense): Dense =>
  tabulate([x.dims[1]!, x.dims[0]!], ([row, column]) => at(x, [column!, row!]))

const gemm: ReferenceRule = (node, inputs) => {
  const [a, b, c] = inputs as [Dense, Dense, Dense | undefined]
  const product = matMul(
    intAttribute(node, 'transA', 0) ? turned(a) : a,
    intAttribute(node, 'transB', 0) ? turned(b) : b,
  )
  const alpha = floatAttribute(node, 'alpha', 1)
  const beta = floatAttribute(node, 'beta', 1)
  return [
    tabulate(
      product.dims,
      (index, position) => alpha * product.data[position]! + (c ? beta * atBroadcast(c, index) : 0),
    ),
  ]
}

/** Matrix products, as the ONNX specification defines them. */
export const linearReference: Record<string, ReferenceRule> = {
  MatMul: plain((_, a, b) => matMul(a, b)),
  Gemm: gemm,
}
