import { EventEmitter } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Worker } from 'node:worker_threads'
import { momentsBytes, normLayoutOf } from '@isthmus/models/adapt'
import { type Bundle, writeBundle } from '@isthmus/models/bundle'
import { readModel, writeModel } from '@isthmus/models/onnx'
import { encodeMessage, familyKey, topic } from '@isthmus/proto'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { afterAll, describe, expect, it } from 'vitest'
import { checkConfig } from '../config/read-config.ts'
import type { EdgeConfigInput } from '../config/schema.ts'
import { Adaptation } from './adaptation.ts'
import type { ToLearner } from './messages.ts'
import {
  tinyFoundation,
  tinyHead,
  tinyLatentDims,
  tinyQuantizer,
  tinyStudent,
  tinyTail,
} from './tiny-networks.test.support.ts'

const folder = mkdtempSync(join(tmpdir(), 'isthmus-adaptation-'))
afterAll(() => rmSync(folder, { recursive: true }))

const part = (file: string) => ({ file, macs: 1, params: 1 })

function splitBundle(): Promise<Bundle> {
  return writeBundle(
    join(folder, 'split'),
    {
      ...{ name: 'split', version: '1.0.0', task: 'classification' },
      labels: Array.from({ length: 10 }, (_, label) => `${label}`),
      input: {
        ...{ name: 'input', dims: [3, 32, 32], layout: 'NCHW' },
        ...{ mean: [0, 0, 0], std: [1, 1, 1], fit: 'fill' },
      },
      output: { name: 'logits', dims: [10], kind: 'logits' },
      latent: { name: 'latent', dims: tinyLatentDims },
      models: {
        local: part('local.onnx'),
        full: part('full.onnx'),
        head: part('head.onnx'),
        tail: part('tail.onnx'),
      },
      modes: [
        {
          ...{ id: 1, name: 'split', route: 'split', payloadBytes: 256, headMacs: 1, tailMacs: 1 },
          quantizer: tinyQuantizer,
        },
      ],
    },
    {
      'local.onnx': tinyStudent(),
      'full.onnx': tinyFoundation(),
      'head.onnx': writeModel(tinyHead()),
      'tail.onnx': writeModel(tinyTail()),
    },
  )
}

/** A thread that is ready, learns nothing and saves nothing. */
function idleLearner(): Worker {
  const worker = new EventEmitter()
  const postMessage = (message: ToLearner) => {
    if (message.kind === 'close') worker.emit('exit', 0)
    if (message.kind === 'task') worker.emit('message', { kind: 'failed', id: message.id, detail: 'idle' })
  }
  queueMicrotask(() =>
    worker.emit('message', { kind: 'ready', found: 'none', detail: '', intake: undefined }),
  )
  return Object.assign(worker, { postMessage, unref: () => {} }) as unknown as Worker
}

const open = (
  bundle: Bundle,
  config: EdgeConfigInput,
  registry = new Registry(),
  onStrangeSample: (device: string) => void = () => {},
) =>
  Adaptation.open({
    config: checkConfig({ adapt: join(folder, 'state'), adaptSplit: 'both', ...config }, 'a test'),
    bundles: [bundle],
    epoch: 1,
    log: pino({ level: 'silent' }),
    registry,
    clock: () => 0,
    wallS: () => 1000,
    publish: () => {},
    warn: () => {},
    onStrangeSample,
    spawn: idleLearner,
  })

it('a probe that cannot be read is named by its setting', async () => {
  await expect(open(await splitBundle(), { adaptProbe: join(folder, 'nowhere') })).rejects.toMatchObject({
    code: 'NO_IMAGES',
    message: expect.stringMatching(/^adaptProbe: .*nowhere/),
  })
})

describe('what a device tells of its frames', () => {
  it('counts for a local network, and for no head: that is but a part of what learns', async () => {
    const bundle = await splitBundle()
    const registry = new Registry()
    const adaptation = await open(bundle, {}, registry)
    const tell = (role: 'local' | 'head') => {
      const { layout, family } = {
        layout: normLayoutOf(readModel(bundle.modelBytes(role))),
        family: familyKey(bundle.manifest.models[role]!.sha256),
      }
      const body = { kind: 'sample', family, number: 1, entropy: 0, input: 'statistics' } as const
      const packet = encodeMessage({ envelope: { boot: 1 }, body }, new Uint8Array(momentsBytes(layout)))
      adaptation.receive(topic('default', 'cam', 'sample'), packet, false)
    }
    const counts = async () => {
      const { values } = await registry.getSingleMetric('isthmus_edge_adapt_uploads_total')!.get()
      return values.filter(({ value }) => value > 0).map(({ labels, value }) => ({ ...labels, value }))
    }
    tell('head')
    expect(await counts()).toEqual([])
    tell('local')
    expect(await counts()).toEqual([{ family: 'split@1.0.0', outcome: 'statistics', value: 1 }])
    await adaptation.close()
  })
})

describe('a sample of a network that is not adapted', () => {
  it('is told of, but not one that teaches something, nor statistics of a device whose pictures do', async () => {
    const bundle = await splitBundle()
    const strange: string[] = []
    const adaptation = await open(bundle, { adaptSplit: 'tail' }, new Registry(), (device) =>
      strange.push(device),
    )
    const keyOf = (role: 'local' | 'head') => familyKey(bundle.manifest.models[role]!.sha256)
    const send = (device: string, family: number, input: 'pixels' | 'statistics') => {
      const dims = input === 'pixels' ? [1, 1, 1] : []
      const body = { kind: 'sample', family, number: 1, entropy: 0.1, input, dims } as const
      const packet = encodeMessage({ envelope: { boot: 1 }, body }, Uint8Array.of(1))
      adaptation.receive(topic('default', device, 'sample'), packet, false)
    }
    send('local', keyOf('local'), 'pixels')
    send('head', keyOf('head'), 'pixels')
    send('head', keyOf('head'), 'statistics')
    expect(strange).toEqual([])
    send('stranger', 1, 'pixels')
    const packet = encodeMessage({
      envelope: { boot: 1 },
      body: { kind: 'patchRequest', family: 1, reason: 'start' },
    })
    adaptation.receive(topic('default', 'asks', 'sample'), packet, false)
    expect(strange).toEqual(['stranger'])
    await adaptation.close()
  })
})
