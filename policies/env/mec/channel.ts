/** A radio link as GMORL's system has it. */
export interface RadioLink {
  readonly bandwidthHz: number
  readonly transmitW: number
  readonly noiseDbmPerHz: number
  readonly shadowingDb: number
}

export const gmorlRadio: RadioLink = {
  bandwidthHz: 16.6e6,
  transmitW: 0.01,
  noiseDbmPerHz: -174,
  shadowingDb: 8,
}

const noiseW = ({ noiseDbmPerHz, bandwidthHz }: RadioLink) => 10 ** ((noiseDbmPerHz - 30) / 10) * bandwidthHz

/** Share of the power that arrives: path loss 133.6 + 35·log10(km) dB, shadowing and the fading's power (mean 1). */
function gain(link: RadioLink, distanceM: number, fading: number): number {
  const lossDb = 133.6 + 35 * Math.log10(distanceM / 1000) + link.shadowingDb
  return 10 ** (-lossDb / 10) * fading
}

/** Shannon's rate in bit/s. */
export function shannonRate(link: RadioLink, distanceM: number, fading = 1): number {
  const { bandwidthHz, transmitW } = link
  return bandwidthHz * Math.log2(1 + (transmitW * gain(link, distanceM, fading)) / noiseW(link))
}

/**
 * The rate of the published environment, bit/s: it takes the gain over the noise, squares that, and divides by the noise
 * again. No law of physics, and about 1,000 times {@link shannonRate}, but what all published figures rest on.
 */
export function publishedRate(link: RadioLink, distanceM: number, fading = 1): number {
  const { bandwidthHz, transmitW } = link
  const ratio = gain(link, distanceM, fading) / noiseW(link)
  return bandwidthHz * Math.log2(1 + (transmitW * ratio ** 2) / noiseW(link))
}
