import { parseManifest } from '@isthmus/models/bundle'
import { StageTimes } from '@isthmus/policies'
import { describe, expect, it } from 'vitest'
import { ModeTable } from './mode-table.ts'

const file = { file: 'net.onnx', sha256: '0'.repeat(64), bytes: 1, macs: 10, params: 1 }
const small = { ...file, file: 'small.onnx', sha256: '1'.repeat(64) }

/** A bundle that states no accuracies, with or without a small network for the device. */
const table = (models: object): ModeTable =>
  new ModeTable(
    parseManifest({
      format: 1,
      name: 'unmeasured',
      version: '1.0.0',
      task: 'classification',
      labels: ['a', 'b'],
      input: { name: 'x', dims: [3, 4, 4], layout: 'NCHW', mean: [0, 0, 0], std: [1, 1, 1], fit: 'fill' },
      output: { name: 'y', dims: [2], kind: 'logits' },
      models,
      modes: [
        { id: 1, name: 'local', route: 'local', payloadBytes: 0, headMacs: 10, tailMacs: 0 },
        {
          id: 2,
          name: 'edge',
          route: 'edge',
          image: { codec: 'raw' },
          payloadBytes: 48,
          headMacs: 0,
          tailMacs: 10,
        },
      ],
    }),
    { local: true, head: false },
    { computeW: 2, sendW: 3, listenW: 0.5 },
  )

const accuracies = (modes: ModeTable): number[] =>
  modes.estimates(new StageTimes(), 0, undefined, () => true).map(({ accuracy }) => accuracy)

describe('modes of a bundle that states no accuracies', () => {
  it('trusts the edge more than a small network of the device', () => {
    const [local, edge] = accuracies(table({ full: file, local: small }))
    expect(local).toBeLessThan(edge!)
  })

  it('trusts the whole network as much on the device as at the edge', () => {
    const [local, edge] = accuracies(table({ full: file, local: file }))
    expect(local).toBe(edge)
  })
})

describe('energy of a frame', () => {
  const modes = table({ full: file, local: small })
  const times = new StageTimes()
  for (let run = 0; run < 10; run++) {
    times.add('preprocess', 1)
    times.add('local', run === 9 ? 50 : 9)
    times.add('encode:2', 4)
    times.add('server:2', 20)
  }

  it('is of the usual times, and not of what waits before the frame', () => {
    const link = { rateBps: 864_000, rttMs: 10 }
    const [local, edge] = modes.estimates(times, 3, link, () => true)
    expect(local!.energyJ).toBeCloseTo(2 * 0.01, 12)
    // 108 bytes at 864 kbit/s: 1 ms; 10 ms round trip and 20 ms in the server.
    expect(edge!.energyJ).toBeCloseTo(2 * 0.004 + 3 * 0.001 + 0.5 * 0.03, 12)
    expect(local!.deviceMs).toBeGreaterThan(30)
  })

  it('is unknown for what is sent while the link is', () => {
    const [local, edge] = modes.estimates(times, 0, undefined, () => true)
    expect(local!.energyJ).toBeGreaterThan(0)
    expect(edge).not.toHaveProperty('energyJ')
  })
})
