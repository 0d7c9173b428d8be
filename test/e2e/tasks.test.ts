import { rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { connectDevice, type Device } from '@isthmus/device-sdk'
import { dequantize, quantize } from '@isthmus/models/codec'
import { openSession } from '@isthmus/models/runtime'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EdgeDaemon } from './edge-daemon.ts'
import { decoders, modes, type TinyBundle, writeTinyBundle } from './tiny-bundle.ts'

let tiny: TinyBundle
let edge: EdgeDaemon
let device: Device
beforeAll(async () => {
  tiny = await writeTinyBundle()
  edge = await EdgeDaemon.start(tiny.dir, ['--mqtt-port', '0'])
  device = await connectDevice({
    id: 'cam',
    bundle: tiny.dir,
    broker: `mqtt://127.0.0.1:${edge.mqttPort}`,
    deadlineMs: 10_000,
    waitForServerMs: 10_000,
    tasks: { preference: { coat: 1 } },
  })
}, 60_000)
afterAll(async () => {
  await device?.close()
  await edge?.kill()
  if (tiny) await rm(dirname(tiny.dir), { recursive: true })
})

const frame = Float32Array.from({ length: 48 }, (_, at) => Math.sin(at))

/** What a decoder gives for the frame's latent as the server gets it. */
async function expected(id: number): Promise<number[]> {
  const { bundle } = tiny
  const mode = bundle.manifest.modes.find((one) => one.id === modes.split)!
  if (mode.route !== 'split') throw new Error('no split mode')
  const head = await openSession(bundle.modelBytes('head'))
  const { z } = await head.run({ x: { dtype: 'float32', dims: [1, 3, 4, 4], data: frame } })
  const coded = quantize(z!.data as Float32Array, mode.quantizer)
  const data = dequantize(coded.packed, 8, mode.quantizer, coded)
  const decoder = await openSession(bundle.decoderBytes(id))
  const { logits } = await decoder.run({ z: { dtype: 'float32', dims: [1, 8], data } })
  await head.dispose()
  await decoder.dispose()
  return [...(logits!.data as Float32Array)]
}

const split = { mode: modes.split } as const

describe('further tasks', () => {
  it('are answered from the same latent, beside the classes', async () => {
    const { route, top, tasks } = await device.infer(frame, split)
    expect(route).toBe('split')
    expect(top).toHaveLength(4)
    expect(Object.keys(tasks!)).toEqual(['coat'])
    const { output, width, top: coats } = tasks!.coat!
    expect(width).toBe(1)
    const wanted = await expected(decoders.coatWide)
    wanted.forEach((value, at) => {
      expect(output[at]).toBeCloseTo(value, 4)
    })
    expect(coats.map(({ label }) => label).sort()).toEqual(['fur', 'none'])
    expect(coats[0]!.probability + coats[1]!.probability).toBeCloseTo(1, 5)
    expect(coats[0]!.label).toBe(wanted[0]! > wanted[1]! ? 'fur' : 'none')
  })

  it('are answered at the widths that the preference deserves, from the next frame on', async () => {
    const widths = async () => {
      const { tasks = {} } = await device.infer(frame, split)
      return Object.fromEntries(Object.entries(tasks).map(([name, { width }]) => [name, width]))
    }
    device.tasks = { preference: { coat: 0.1, size: 0.9 }, macs: 60 }
    expect(await widths()).toEqual({ coat: 0.5, size: 1 })
    const before = widths()
    device.tasks = { preference: { size: 1, coat: 0.5 }, macs: 150 }
    expect(await before).toEqual({ coat: 0.5, size: 1 })
    expect(await widths()).toEqual({ coat: 1, size: 1 })
    expect((await device.infer(frame, split)).tasks!.size!.output).toHaveLength(3)
    device.tasks = { preference: { coat: 0 } }
    expect(await widths()).toEqual({})
  })

  it('are not answered from an image, nor by the device, and the frame has its answer all the same', async () => {
    device.tasks = { preference: { coat: 1 } }
    const rgb = { data: new Uint8Array(48).fill(90), width: 4, height: 4 }
    const image = await device.infer(rgb, { mode: modes.image })
    expect(image).toMatchObject({ route: 'edge' })
    expect(image).not.toHaveProperty('tasks')
    const local = await device.infer(frame, { route: 'local' })
    expect(local).toMatchObject({ route: 'local' })
    expect(local).not.toHaveProperty('tasks')
  })

  it('that cannot be are refused, and what was asked for stays', async () => {
    device.tasks = { preference: { coat: 1 }, macs: 20 }
    const refused = (tasks: unknown, message: RegExp) =>
      expect(() => {
        device.tasks = tasks as Device['tasks']
      }).toThrow(expect.objectContaining({ code: 'BAD_OPTIONS', message: expect.stringMatching(message) }))
    refused({ preference: { colour: 1 } }, /tasks\.preference\.colour: the bundle has coat, size/)
    refused({ preference: { coat: -1 } }, /tasks\.preference\.coat/)
    refused({ preference: { coat: Number.NaN } }, /tasks\.preference\.coat/)
    refused({ preference: { coat: 1 }, macs: 9 }, /tasks\.macs: the smallest decoders take 10/)
    refused({}, /tasks\.preference/)
    refused({ preference: {}, budget: 3 }, /tasks/)
    expect(device.tasks).toEqual({ preference: { coat: 1 }, macs: 20 })
    expect((await device.infer(frame, split)).tasks!.coat!.width).toBe(0.5)
  })

  it('are an option of a device from the start, and a wrong one is named', async () => {
    const options = { id: 'other', bundle: tiny.dir }
    await expect(connectDevice({ ...options, tasks: { preference: { colour: 1 } } })).rejects.toMatchObject({
      code: 'BAD_OPTIONS',
      message: expect.stringContaining('tasks.preference.colour'),
    })
  })
})
