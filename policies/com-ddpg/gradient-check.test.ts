import { describe, expect, it } from 'vitest'
import type { Communication } from './actor-shape.ts'
import { checkGradients } from './gradient-check.ts'
import { ROW } from './offload-rows.ts'

const shape = (communication: Communication) => ({ row: ROW, hidden: 5, message: 3, heard: 4, communication })
const size = { steps: 5, sequences: 2, agents: 3, places: 3 }

describe('gradients through time and through the agents', () => {
  it.each<[Communication, number]>([
    ['bidirectional', 0],
    ['bidirectional', 2],
    ['attention', 0],
    ['none', 2],
  ])(
    'of the training graph are those of the actors that play: %s, burn-in %d',
    async (communication, burnIn) => {
      const { largest, lossError } = await checkGradients(shape(communication), size, burnIn, 7)
      expect(lossError).toBeLessThan(1e-5)
      expect(largest).toBeLessThan(1e-3)
    },
  )
})
