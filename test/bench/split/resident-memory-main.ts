// A process of its own: opens the heads of some modes as a device does, runs each mode once, prints its resident set in bytes.
//   node resident-memory-main.js BUNDLE MODE,MODE…

import { type HeadRole, loadBundle } from '@isthmus/models/bundle'
import { quantize } from '@isthmus/models/codec'
import { elementCount } from '@isthmus/models/onnx'
import { type Session, SessionThread } from '@isthmus/models/runtime'
import { headOf, splitModes } from './split-modes.ts'

const [, , folder, list] = process.argv
const wanted = new Set(list ? list.split(',').map(Number) : [])
const bundle = await loadBundle(folder!, { only: ['head', 'narrowHead'] })
const { input, latent } = bundle.manifest
const heads = new Map<HeadRole, Session>()
const thread = new SessionThread()
for (const mode of splitModes(bundle)) {
  if (!wanted.has(mode.id)) continue
  const role = headOf(mode)
  const head = heads.get(role) ?? (await thread.open(bundle.modelBytes(role)))
  heads.set(role, head)
  const tensor = new Float32Array(elementCount(input.dims))
  const results = await head.run({
    [input.name]: { dtype: 'float32', dims: [1, ...input.dims], data: tensor },
  })
  quantize(results[latent!.name]!.data as Float32Array, mode.quantizer)
}
// Not the largest that it was: Linux counts what the parent held before the new program was loaded.
const bytes = process.memoryUsage.rss()
for (const head of heads.values()) await head.dispose()
process.stdout.write(String(bytes))
