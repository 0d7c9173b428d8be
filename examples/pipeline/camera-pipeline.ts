import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { float32Tensor, GraphBuilder, writeModel } from '@isthmus/models/onnx'
import type { Pipeline } from '@isthmus/models/pipeline'
import { writePipeline } from '@isthmus/models/pipeline/seal'
import { bundlesFolder } from '../bundles-folder.ts'

/** Pixels [1,32,32,3] uint8 to what the head takes: [1,3,32,32] float32, (pixel / 255 − mean) / std. */
function normalise(mean: readonly number[], std: readonly number[]): Uint8Array {
  const graph = new GraphBuilder('normalise')
  const pixels = graph.input('pixels', 'uint8', [1, 32, 32, 3])
  const planes = graph.op('Transpose', [graph.op('Cast', [pixels], { to: 1 })], { perm: [0, 3, 1, 2] })
  const perChannel = (values: readonly number[]) => graph.constant(float32Tensor(values, [1, 3, 1, 1]))
  const centred = graph.op('Sub', [planes, perChannel(mean.map((value) => 255 * value))])
  graph.output(graph.op('Div', [centred, perChannel(std.map((value) => 255 * value))]), 'image')
  return writeModel(graph.build())
}

/** Writes a pipeline of three stages: normalise, and head and tail of the CIFAR-10 network that comes with the repository. */
export async function writeCameraPipeline(dir: string): Promise<Pipeline> {
  const bundle = join(bundlesFolder(), 'cifar10')
  const { input, latent, output } = JSON.parse(await readFile(join(bundle, 'manifest.json'), 'utf8'))
  return writePipeline(
    dir,
    {
      name: 'camera',
      version: '1.0.0',
      inputs: { pixels: { dtype: 'uint8', dims: [1, 32, 32, 3] } },
      stages: [
        { id: 'normalise', model: 'normalise.onnx', inputs: { pixels: 'input.pixels' } },
        { id: 'head', model: 'head.onnx', inputs: { [input.name]: 'normalise.image' } },
        { id: 'tail', model: 'tail.onnx', inputs: { [latent.name]: `head.${latent.name}` } },
      ],
      outputs: { logits: `tail.${output.name}` },
    },
    {
      'normalise.onnx': normalise(input.mean, input.std),
      'head.onnx': await readFile(join(bundle, 'head.onnx')),
      'tail.onnx': await readFile(join(bundle, 'tail.onnx')),
    },
  )
}
