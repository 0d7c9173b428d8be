import { given } from '../../option-checks.ts'
import type { Link } from './fleet-options.ts'

type ShannonLink = Extract<Link, { kind: 'shannon' }>
export type ShannonSettings = Required<ShannonLink>

/** Fills in what a Shannon link leaves out. */
export function shannonSettings(link: ShannonLink): ShannonSettings {
  return {
    bandwidthHz: 1e6,
    transmitW: 0.1,
    noiseDbmPerHz: -174,
    lossDb: 133.6,
    exponent: 3.5,
    shadowingDb: 8,
    fading: true,
    coherenceS: 0.05,
    ...(given(link) as ShannonLink),
  }
}

/** Power that arrives over that of the noise, without fading. */
export function signalToNoise(link: ShannonSettings, distanceM: number): number {
  const { bandwidthHz, transmitW, noiseDbmPerHz, lossDb, exponent, shadowingDb } = link
  const noiseW = 10 ** ((noiseDbmPerHz - 30) / 10) * bandwidthHz
  const wholeDb = lossDb + 10 * exponent * Math.log10(distanceM / 1000) + shadowingDb
  return (transmitW * 10 ** (-wholeDb / 10)) / noiseW
}
