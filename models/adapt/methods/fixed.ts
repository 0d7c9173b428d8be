import type { AdaptableNetwork } from '../adaptable-network.ts'
import type { Adapter } from '../adapter.ts'
import { softmaxEntropy } from '../entropy.ts'
import { NormForward } from '../norm-forward.ts'
import { copyNormParameters } from '../norm-parameters.ts'

/**
 * Adapters that learn nothing: `source` answers as packed; `bn-1` normalises by the statistics of each batch (Schneider et al.
 * 2020, without the source's).
 */
export async function fixedAdapter(
  network: AdaptableNetwork,
  method: 'source' | 'bn-1',
  threads = 1,
): Promise<Adapter> {
  const { model, layout, source, classes } = network
  const forward = await NormForward.open(model, layout, method === 'source' ? 'running' : 'batch', threads)
  return {
    method,
    async answer(images) {
      const logits = (await forward.run(images, source)).data
      const rows = images.dims[0]!
      return {
        logits,
        entropy: Float32Array.from({ length: rows }, (_, row) =>
          softmaxEntropy(logits, row * classes, classes),
        ),
        selected: new Uint8Array(rows),
      }
    },
    parameters: () => copyNormParameters(source),
    reset() {},
    dispose: () => forward.dispose(),
  }
}
