import { deflateRawSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { seededRandom } from '../data/random.ts'
import { channelRangesOf, deflateChannels, inflateChannels } from './channel-deflate.ts'
import { quantize } from './index.ts'

const throwsCode = (run: () => unknown, code: string) =>
  expect(run).toThrow(expect.objectContaining({ name: 'IsthmusError', code }))

/** Frames as behind a ReLU: half of the values are zero, and channels differ widely in size. */
function activations(frames: number, channels: number, perChannel: number): Float32Array {
  const random = seededRandom(frames, channels)
  return Float32Array.from({ length: frames * channels * perChannel }, (_, at) => {
    const channel = Math.floor(at / perChannel) % channels
    return Math.max(0, 2 ** channel * random.normal())
  })
}

describe('the training-free code of any cut', () => {
  it('gives every value within the calibrated range back to a step of its own channel', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 1, max: 40 }),
        fc.integer(),
        (bits, channels, perChannel, seed) => {
          const random = seededRandom(seed)
          const x = Float32Array.from({ length: channels * perChannel }, () => 10 * random.normal())
          const ranges = channelRangesOf(x, channels, perChannel, bits)
          const back = inflateChannels(deflateChannels(x, ranges), x.length, ranges)
          x.forEach((value, at) => {
            const { scale } = ranges.channels[Math.floor(at / perChannel)]!
            // The zero point is a whole number, so one end may lose another half step.
            expect(Math.abs(value - back[at]!)).toBeLessThanOrEqual(1.001 * scale)
          })
        },
      ),
      { numRuns: 60 },
    )
  })

  it('takes fewer bytes than one range for all at 8 bits, and loses less', () => {
    const [channels, perChannel] = [6, 100]
    const frames = activations(20, channels, perChannel)
    const ranges = channelRangesOf(frames, channels, perChannel)
    const frame = frames.subarray(0, channels * perChannel)
    const payload = deflateChannels(frame, ranges)
    const naive = quantize(frame, { kind: 'affine-dynamic', bits: 8 })
    expect(payload.length).toBeLessThan(0.8 * naive.packed.length)
    const smallChannel = (values: ArrayLike<number>) =>
      Array.from(frame.subarray(0, perChannel)).reduce(
        (sum, value, at) => sum + Math.abs(value - values[at]!),
        0,
      )
    const naiveValues = Float32Array.from(naive.packed, (code) => naive.scale * (code - naive.zeroPoint))
    expect(smallChannel(inflateChannels(payload, frame.length, ranges))).toBeLessThan(
      0.2 * smallChannel(naiveValues),
    )
  })

  it('saturates what lies outside of the range', () => {
    const ranges = channelRangesOf(Float32Array.of(0, 1, -2, 2), 2, 2)
    const payload = deflateChannels(Float32Array.of(-5, 5, -5, 5), ranges)
    const [low0, high0, low1, high1] = inflateChannels(payload, 4, ranges)
    expect([low0, high0]).toEqual([0, 1])
    expect(low1).toBeCloseTo(-2, 1)
    expect(high1).toBeCloseTo(2, 1)
  })

  it('takes a channel that is always zero', () => {
    const ranges = channelRangesOf(new Float32Array(8), 2, 4)
    expect(inflateChannels(deflateChannels(new Float32Array(8), ranges), 8, ranges)).toEqual(
      new Float32Array(8),
    )
  })
})

describe('bad input of the training-free code', () => {
  const ranges = channelRangesOf(Float32Array.of(0, 1, 2, 3), 2, 2, 4)

  it('is refused: values that are not finite, other shapes, other bits, ranges that are none', () => {
    throwsCode(() => channelRangesOf(Float32Array.of(1, Number.NaN), 1, 2), 'NOT_FINITE')
    throwsCode(() => channelRangesOf(new Float32Array(5), 2, 2), 'BAD_OPTION')
    throwsCode(() => channelRangesOf(new Float32Array(0), 2, 2), 'BAD_OPTION')
    throwsCode(() => channelRangesOf(new Float32Array(4), 2, 2, 9), 'BAD_QUANTIZER')
    throwsCode(() => deflateChannels(Float32Array.of(1, Number.POSITIVE_INFINITY), ranges), 'NOT_FINITE')
    throwsCode(() => deflateChannels(new Float32Array(5), ranges), 'BAD_OPTION')
    throwsCode(
      () => deflateChannels(new Float32Array(1), { bits: 8, channels: [{ scale: 0, zeroPoint: 0 }] }),
      'BAD_QUANTIZER',
    )
  })

  it('is refused when it comes from the wire, before more is unpacked than was announced', () => {
    const good = deflateChannels(Float32Array.of(0, 1, 2, 3), ranges)
    throwsCode(() => inflateChannels(good.subarray(0, -1), 4, ranges), 'BAD_PAYLOAD')
    throwsCode(() => inflateChannels(good, 6, ranges), 'BAD_PAYLOAD')
    throwsCode(() => inflateChannels(new Uint8Array(0), 4, ranges), 'BAD_PAYLOAD')
    throwsCode(() => inflateChannels(deflateRawSync(new Uint8Array(1e6)), 4, ranges), 'BAD_PAYLOAD')
    throwsCode(() => inflateChannels(deflateRawSync(Uint8Array.of(0, 1, 16, 3)), 4, ranges), 'BAD_PAYLOAD')
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        try {
          expect(inflateChannels(bytes, 4, ranges)).toHaveLength(4)
        } catch (error) {
          expect(error).toMatchObject({ name: 'IsthmusError', code: 'BAD_PAYLOAD' })
        }
      }),
    )
  })
})
