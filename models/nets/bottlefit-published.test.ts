import { describe, expect, it } from 'vitest'
import { seededRandom } from '../data/index.ts'
import { elementCount, inferShapes } from '../onnx/index.ts'
import {
  NetBuilder,
  type PublishedDecoder,
  type PublishedEncoder,
  publishedDecoder,
  publishedEncoder,
} from './index.ts'

/** Shape of the output, values of the kernels, and all trained values. */
function built(side: number, build: (net: NetBuilder, x: string) => string, channels = 3) {
  const net = new NetBuilder('net', { random: seededRandom(1) })
  const input = net.g.input('input', 'float32', ['N', channels, side, side])
  net.g.output(build(net, input), 'output')
  const { graph } = net.build()
  const types = inferShapes(net.build(), { input: [1, channels, side, side] })
  const count = (names: readonly string[]) =>
    names.reduce((sum, name) => sum + elementCount(graph.initializers.get(name)!.dims), 0)
  return {
    dims: types.get('output')!.dims,
    kernels: count(net.kernels),
    parameters: count(net.kernels) + count(net.vectors),
  }
}

const encoder = (kind: PublishedEncoder, channels: number) =>
  built(kind === 'inception' ? 299 : 224, (net, x) => publishedEncoder(net, x, kind, channels))

describe('the published encoders', () => {
  it.each([
    [3, 10_432],
    [6, 11_200],
    [9, 11_968],
    [12, 12_736],
  ])('of version 2 with %i channels have %i parameters and give 29×29', (channels, parameters) => {
    expect(encoder('v2', channels)).toMatchObject({ dims: [1, channels, 29, 29], parameters })
  })

  it('of versions 1 and 3 and of Inception V3 have the published sizes', () => {
    expect(encoder('v1', 3)).toMatchObject({ dims: [1, 3, 56, 56], kernels: 441 })
    expect(encoder('v1', 12)).toMatchObject({ dims: [1, 12, 56, 56], kernels: 1764 })
    expect(encoder('v3', 3)).toMatchObject({ dims: [1, 3, 15, 15], parameters: 147_904 })
    expect(encoder('v3', 24)).toMatchObject({ dims: [1, 24, 15, 15], parameters: 190_912 })
    expect(encoder('inception', 12)).toMatchObject({ dims: [1, 12, 37, 37], parameters: 12_736 })
  })
})

describe('the published decoders', () => {
  it.each([
    ['resnet', 29, [1, 512, 28, 28]],
    ['densenet', 29, [1, 256, 14, 14]],
    ['inception', 37, [1, 192, 35, 35]],
  ] as [PublishedDecoder, number, number[]][])(
    'for %s give what the teacher takes',
    (teacher, side, dims) => {
      expect(built(side, (net, x) => publishedDecoder(net, x, teacher, 12), 12).dims).toEqual(dims)
    },
  )
})
