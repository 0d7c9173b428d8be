import { crc32, MAX_TOLD_VALUES } from '@isthmus/proto'
import { policyError } from '../../errors.ts'
import { actorDims, lengthOf } from '../actor-shape.ts'
import type { AgentsNetwork } from '../agents-network.ts'
import { DIVISION_ROW, DIVISION_ROWS, OFFLOAD_ROWS, ROW } from '../offload-rows.ts'

const MOST_WIDTH = 1024

/**
 * Names a network to those who have the same: CRC-32 of its form and weights. Only agents of one network understand each other.
 *
 * @throws IsthmusError `BAD_POLICY` naming what is missing or has not the form of agents that can be served
 */
export function networkKey(network: AgentsNetwork): number {
  const { shape, weights } = checkedNetwork(network)
  const { row, hidden, message, heard, communication } = shape
  const form = [versionOf(row), communication, row, hidden, message, heard].join(' ')
  const parts: Uint8Array[] = [new TextEncoder().encode(form)]
  for (const name of Object.keys(actorDims(shape)).sort()) {
    const values = weights.get(name)!
    parts.push(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
  }
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return crc32(bytes)
}

const versionOf = (row: number): string => (row === DIVISION_ROW ? DIVISION_ROWS : OFFLOAD_ROWS)

function checkedNetwork(network: AgentsNetwork): AgentsNetwork {
  const fail = (what: string) => {
    throw policyError('BAD_POLICY', `agents: ${what}`)
  }
  const { shape, weights } = network ?? {}
  if (typeof shape !== 'object' || shape === null || !(weights instanceof Map))
    fail('the network has no shape or no map of weights')
  if (shape.row !== ROW && shape.row !== DIVISION_ROW) {
    fail(
      `rows have ${shape.row} numbers, not the ${ROW} of ${OFFLOAD_ROWS} or the ${DIVISION_ROW} of ${DIVISION_ROWS}`,
    )
  }
  if (shape.ratio && shape.row !== DIVISION_ROW)
    fail(`they divide tasks, but their rows are not ${DIVISION_ROWS}`)
  for (const [name, most] of [
    ['hidden', MOST_WIDTH],
    ['heard', MOST_WIDTH],
    ['message', MAX_TOLD_VALUES],
  ] as const) {
    const width = shape[name]
    if (!(Number.isInteger(width) && width >= 1 && width <= most))
      fail(`${name} is ${width}; it must be a whole number from 1 to ${most}`)
  }
  if (!['bidirectional', 'attention', 'none'].includes(shape.communication))
    fail(`there is no communication ${JSON.stringify(shape.communication)}`)
  for (const [name, dims] of Object.entries(actorDims(shape))) {
    const values: unknown = weights.get(name)
    if (!(values instanceof Float32Array) || values.length !== lengthOf(dims))
      fail(`"${name}" is not a Float32Array of ${lengthOf(dims)}`)
    else if (!values.every(Number.isFinite)) fail(`"${name}" holds a number that is not finite`)
  }
  return network
}
