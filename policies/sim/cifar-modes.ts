import { type FrameMode, frameModesOf, type ManifestMode } from './frame-mode.ts'

const row = (
  id: number,
  route: ManifestMode['route'],
  accuracy: number,
  payloadBytes: number,
  headMacs: number,
  tailMacs: number,
): ManifestMode => ({ id, route, accuracy, payloadBytes, headMacs, tailMacs })

const WIDE = 2_443_872
const NARROW = 784_176
const TAIL = 76_604_800
const WHOLE = 89_983_264

/** The modes of the committed bundle `cifar10` 0.1.0, copied from its manifest; a test holds them equal. */
export const cifarManifestModes: readonly ManifestMode[] = [
  row(1, 'local', 0.8809, 0, 12_411_280, 0),
  row(2, 'split', 0.9121, 110, WIDE, TAIL),
  row(3, 'split', 0.9083, 93, WIDE, TAIL),
  row(4, 'split', 0.9017, 79, WIDE, TAIL),
  row(5, 'split', 0.894, 67, WIDE, TAIL),
  row(6, 'split', 0.8895, 60, WIDE, TAIL),
  row(7, 'split', 0.8732, 52, WIDE, TAIL),
  row(8, 'split', 0.9072, 130, NARROW, TAIL),
  row(9, 'split', 0.9064, 111, NARROW, TAIL),
  row(10, 'split', 0.9006, 94, NARROW, TAIL),
  row(11, 'split', 0.8968, 80, NARROW, TAIL),
  row(12, 'split', 0.8899, 68, NARROW, TAIL),
  row(13, 'split', 0.8826, 60, NARROW, TAIL),
  row(14, 'split', 0.8704, 53, NARROW, TAIL),
  row(15, 'edge', 0.9239, 3072, 0, WHOLE),
  row(16, 'edge', 0.8896, 765, 0, WHOLE),
]

/** Those modes at the speeds that {@link frameModesOf} has by default: local 62 ms, heads 12 and 4 ms, tail 15 ms. */
export const cifarModes: readonly FrameMode[] = frameModesOf(cifarManifestModes)
