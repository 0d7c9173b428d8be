import { type FrameMode, frameModesOf, type ManifestMode } from './frame-mode.ts'

const row = (
  id: number,
  route: ManifestMode['route'],
  accuracy: number,
  payloadBytes: number,
  headMacs: number,
  tailMacs: number,
): ManifestMode => ({ id, route, accuracy, payloadBytes, headMacs, tailMacs })

const WIDE = 2_462_064
const NARROW = 762_168
const TAIL = 76_604_800
const WHOLE = 89_983_264

/** The modes of the committed bundle `cifar10` 0.1.0, copied from its manifest; a test holds them equal. */
export const cifarManifestModes: readonly ManifestMode[] = [
  row(1, 'local', 0.8809, 0, 12_411_280, 0),
  row(2, 'split', 0.916, 126, WIDE, TAIL),
  row(3, 'split', 0.9152, 103, WIDE, TAIL),
  row(4, 'split', 0.9105, 83, WIDE, TAIL),
  row(5, 'split', 0.9059, 72, WIDE, TAIL),
  row(6, 'split', 0.9001, 62, WIDE, TAIL),
  row(7, 'split', 0.8886, 56, WIDE, TAIL),
  row(8, 'split', 0.876, 49, WIDE, TAIL),
  row(9, 'split', 0.9093, 127, NARROW, TAIL),
  row(10, 'split', 0.9072, 104, NARROW, TAIL),
  row(11, 'split', 0.9044, 84, NARROW, TAIL),
  row(12, 'split', 0.8992, 73, NARROW, TAIL),
  row(13, 'split', 0.8899, 62, NARROW, TAIL),
  row(14, 'split', 0.8798, 56, NARROW, TAIL),
  row(15, 'split', 0.8677, 49, NARROW, TAIL),
  row(16, 'edge', 0.9239, 3072, 0, WHOLE),
  row(17, 'edge', 0.8896, 765, 0, WHOLE),
]

/** Those modes at the speeds that {@link frameModesOf} has by default: local 62 ms, heads 12 and 4 ms, tail 15 ms. */
export const cifarModes: readonly FrameMode[] = frameModesOf(cifarManifestModes)
