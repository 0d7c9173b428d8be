import { describe, expect, it } from 'vitest'
import type { Communication } from './actor-shape.ts'
import { checkGradients } from './gradient-check.ts'
import { ROW } from './offload-rows.ts'

const shape = (communication: Communication, ratio?: true) => ({
  row: ROW,
  hidden: 5,
  message: 3,
  heard: 4,
  communication,
  ...(ratio && { ratio }),
})
const size = { steps: 5, sequences: 2, agents: 3, places: 3 }

describe('gradients through time and through the agents', () => {
  it.each<[Communication, number, string, true?]>([
    ['bidirectional', 0, 'whole tasks'],
    ['bidirectional', 2, 'whole tasks'],
    ['attention', 0, 'whole tasks'],
    ['none', 2, 'whole tasks'],
    ['bidirectional', 2, 'divided tasks', true],
    ['attention', 0, 'divided tasks', true],
  ])(
    'of the training graph are those of the actors that play: %s, burn-in %d, %s',
    async (communication, burnIn, _, ratio) => {
      const { byWeight, largest, lossError } = await checkGradients(
        shape(communication, ratio),
        size,
        burnIn,
        7,
      )
      expect(Object.keys(byWeight).includes('ratio.weight')).toBe(ratio === true)
      expect(lossError).toBeLessThan(1e-5)
      expect(largest).toBeLessThan(1e-3)
    },
  )
})
