/** One operating point of the slimmable ensemble: how many encoders run, and how many bits a value has. */
export interface SlimmableMode {
  /** 10 · encoders + bits, as published. */
  readonly id: number
  readonly encoders: number
  readonly payloadBytes: number
  /** Mean average precision on COCO 2017, 0..1. */
  readonly accuracy: number
}

/** Values of the latent, 6 × 96 × 96: one bit each makes 6912 bytes. */
export const BYTES_PER_BIT = (6 * 96 * 96) / 8

/** The published table (Slimmable Ensemble Encoders, arXiv 2306.12691): rows 1 to 4 encoders, columns 1 to 4 bits. */
const meanAveragePrecision = [
  [14.5, 27.7, 32.0, 34.3],
  [16.5, 29.4, 34.1, 36.1],
  [16.4, 29.4, 34.2, 36.4],
  [16.6, 29.7, 34.6, 36.8],
]

/** All 16 published modes. */
export const slimmableModes: readonly SlimmableMode[] = meanAveragePrecision.flatMap((byBits, row) =>
  byBits.map((precision, column) => ({
    id: 10 * (row + 1) + column + 1,
    encoders: row + 1,
    payloadBytes: BYTES_PER_BIT * (column + 1),
    accuracy: precision / 100,
  })),
)
