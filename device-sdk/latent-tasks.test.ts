import type { LatentTask } from '@isthmus/models/bundle'
import { type BodyFields, decodeMessage, encodeMessage, type InferReply } from '@isthmus/proto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LatentTasks } from './latent-tasks.ts'

const file = { file: 'x.onnx', sha256: '0'.repeat(64), bytes: 1, params: 1 }
const tasks: LatentTask[] = [
  {
    name: 'coat',
    labels: ['fur', 'none'],
    decoders: [
      { ...file, id: 1, width: 1, macs: 100, accuracy: 0.95 },
      { ...file, id: 2, width: 0.5, macs: 10, accuracy: 0.9 },
    ],
  },
  {
    name: 'size',
    labels: ['small', 'large', 'huge'],
    decoders: [
      { ...file, id: 3, width: 1, macs: 50, accuracy: 0.9 },
      { ...file, id: 4, width: 0.25, macs: 5, accuracy: 0.6 },
    ],
  },
]

const decodersFor = (preference: Record<string, number>, macs?: number) =>
  new LatentTasks(tasks, macs === undefined ? { preference } : { preference, macs }).decoders

describe('the decoders that a device asks for', () => {
  it('are none unless a task is wished for', () => {
    expect(decodersFor({})).toEqual([])
    expect(decodersFor({ coat: 0 })).toEqual([])
    expect(new LatentTasks([], { preference: {} }).decoders).toEqual([])
  })

  it('are the best that the multiply-adds allow, the wide one for the task that matters more', () => {
    expect(decodersFor({ coat: 1, size: 1 })).toEqual([1, 3])
    expect(decodersFor({ coat: 1, size: 1 }, 70)).toEqual([2, 3])
    expect(decodersFor({ coat: 9, size: 1 }, 105)).toEqual([1, 4])
    expect(decodersFor({ coat: 9, size: 1 }, 15)).toEqual([2, 4])
  })

  it('are at most eight', () => {
    const many = Array.from({ length: 9 }, (_, at) => ({
      name: `t${at}`,
      labels: ['a'],
      decoders: [{ ...file, id: at + 1, width: 1, macs: 1, accuracy: 1 }],
    }))
    const preference = Object.fromEntries(many.map(({ name }) => [name, 1]))
    expect(() => new LatentTasks(many, { preference })).toThrow('at most 8 tasks, got 9')
  })
})

describe('what decoders say', () => {
  /** As it comes over the wire. */
  const reply = (decoders: number[], decoderValues: number[]): InferReply => {
    const count = decoderValues.reduce((sum, values) => sum + values, 0)
    const body: BodyFields = { kind: 'reply', bundle: 1, dims: [0], decoders, decoderValues }
    return decodeMessage(encodeMessage({ envelope: { id: 1 }, body }, new Uint8Array(4 * count)))
      .body as InferReply
  }
  const known = new LatentTasks(tasks, { preference: { coat: 1 } })
  const read = (body: InferReply, values: Float32Array, asked = [1, 3, 4, 77]) =>
    known.read(body, values, asked)

  it('is read by the manifest: labels, probabilities, width', () => {
    const answers = read(reply([4, 1], [3, 2]), Float32Array.of(0, 1, 0, -2, 5))!
    expect(answers.size).toMatchObject({ width: 0.25, output: Float32Array.of(0, 1, 0) })
    expect(answers.size!.top[0]!.label).toBe('large')
    expect(answers.coat!.top.map(({ label }) => label)).toEqual(['none', 'fur'])
  })

  it('is passed over where it cannot be of this bundle', () => {
    expect(read(reply([], []), new Float32Array(0))).toBeUndefined()
    expect(read(reply([77], [2]), new Float32Array(2))).toBeUndefined()
    expect(read(reply([1], [3]), new Float32Array(3))).toBeUndefined()
    expect(read(reply([1], [2]), Float32Array.of(Number.NaN, 0))).toBeUndefined()
    expect(Object.keys(read(reply([77, 3], [5, 3]), new Float32Array(8))!)).toEqual(['size'])
  })

  it('is passed over where nobody has asked', () => {
    const values = Float32Array.of(0, 1, 0, -2, 5)
    expect(Object.keys(read(reply([4, 1], [3, 2]), values, [1])!)).toEqual(['coat'])
    expect(read(reply([4, 1], [3, 2]), values, [2])).toBeUndefined()
    expect(read(reply([4, 1], [3, 2]), values, [])).toBeUndefined()
  })

  it('never makes reading fail', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.nat(9), { maxLength: 8 }),
        fc.array(fc.nat(4), { minLength: 8, maxLength: 8 }),
        (decoders, lengths) => {
          const decoderValues = lengths.slice(0, decoders.length)
          const count = decoderValues.reduce((sum, values) => sum + values, 0)
          const answers = read(reply(decoders, decoderValues), new Float32Array(count)) ?? {}
          for (const [name, { output }] of Object.entries(answers))
            expect(output).toHaveLength(tasks.find((task) => task.name === name)!.labels.length)
        },
      ),
    )
  })
})
