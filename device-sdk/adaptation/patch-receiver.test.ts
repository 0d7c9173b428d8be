import type { Bundle } from '@isthmus/models/bundle'
import { newPatchKeys } from '@isthmus/models/patch'
import { openSession } from '@isthmus/models/runtime'
import { CollapseGuard } from '@isthmus/policies/upload'
import { beforeAll, describe, expect, it } from 'vitest'
import type { ModelVersion } from '../loaded-model.ts'
import { ModelRunner } from '../model-runner.ts'
import { VirtualClock } from '../world.test.kit.ts'
import { AdaptedModel } from './adapted-model.ts'
import type { AdaptationEvent } from './events.ts'
import { PatchReceiver } from './patch-receiver.ts'
import type { PatchStore, StoredPatch } from './patch-store.ts'
import {
  keys,
  NOW_S,
  otherNetwork,
  patchesFor,
  shifted,
  writeAdaptableBundle,
} from './patched-bundle.test.kit.ts'
import { PatchedNetwork } from './patched-network.ts'
import { ProbeSet } from './probe-set.ts'

const frame = Float32Array.from({ length: 48 }, (_, at) => Math.cos(at))

let bundle: Bundle
beforeAll(async () => {
  bundle = (await writeAdaptableBundle()).bundle
})

class Memory implements PatchStore {
  stored: StoredPatch | undefined
  load = async () => this.stored
  save = async (stored: StoredPatch) => {
    this.stored = stored
  }
}

interface Setting {
  guard?: CollapseGuard
  probes?: ProbeSet
  store?: PatchStore
  nowS?: () => number
  /** What opening waits for. */
  gate?: () => Promise<void>
}

async function receiver(setting: Setting = {}) {
  const { network, family, patch } = patchesFor(bundle)
  const clock = new VirtualClock()
  const events: AdaptationEvent[] = []
  const asked: { reason: string; held: ModelVersion; refused: ModelVersion | undefined }[] = []
  const runner = new ModelRunner(() => openSession(bundle.modelBytes('local')), 'local', [1, 3, 4, 4], 'y')
  await runner.open()
  const tell = (event: AdaptationEvent) => events.push(event)
  const model = new AdaptedModel({
    role: 'local',
    network,
    runner,
    openModel: async (file) => {
      await setting.gate?.()
      return openSession(file)
    },
    store: setting.store,
    guard: setting.guard,
    probes: setting.probes,
    tell,
  })
  const made = new PatchReceiver({
    role: 'local',
    family,
    model,
    publicKey: keys.publicKey,
    clock,
    wallS: setting.nowS ?? (() => NOW_S),
    ask: (held) => (reason, refused) => {
      asked.push({ reason, held, refused })
      return true
    },
    tell,
  })
  const take = async (bytes: Uint8Array) => {
    made.take(bytes)
    await made.idle()
  }
  return { receiver: made, model, runner, clock, events, asked, take, patch, network }
}

/** What the network gives with the parameters of a version. */
async function expected(network: PatchedNetwork, version: number): Promise<number[]> {
  const file = network.file(version === 0 ? network.base : shifted(network.base, version))
  const session = await openSession(file)
  const { y } = await session.run({ x: { dtype: 'float32', dims: [1, 3, 4, 4], data: frame } })
  await session.dispose()
  return [...(y!.data as Float32Array)]
}

describe('a patch', () => {
  it('is adopted, and every answer names the version that gave it', async () => {
    const { runner, take, patch, network, receiver: held } = await receiver()
    expect((await runner.answer(frame)).version).toEqual({ epoch: 0, version: 0 })
    await take(patch({ version: 1 }).bytes)
    const { output, version } = await runner.answer(frame)
    expect(version).toEqual({ epoch: 1, version: 1 })
    expect([...output]).toEqual(await expected(network, 1))
    expect(held.stats).toMatchObject({ adopted: 1, lastGood: { epoch: 1, version: 1 } })
  })

  it('may build on the one before', async () => {
    const { runner, take, patch, network } = await receiver()
    const first = patch({ version: 1 })
    await take(first.bytes)
    const second = { version: 2, against: 1, reference: first.result }
    await take(patch(second).bytes)
    expect([...(await runner.answer(frame)).output]).toEqual(await expected(network, 2))
  })

  it('takes over between two frames: under load no answer mixes two versions', async () => {
    const { runner, receiver: made, patch, network } = await receiver()
    const answers: Promise<{ output: Float32Array; version: ModelVersion }>[] = []
    for (let version = 1; version <= 6; version++) {
      made.take(patch({ version }).bytes)
      for (let run = 0; run < 20; run++) {
        answers.push(runner.answer(frame))
        await new Promise((resolve) => setImmediate(resolve))
      }
      await made.idle()
    }
    answers.push(runner.answer(frame))
    const outputs = await Promise.all([0, 1, 2, 3, 4, 5, 6].map((version) => expected(network, version)))
    const given = await Promise.all(answers)
    for (const { output, version } of given) expect([...output]).toEqual(outputs[version.version])
    expect(given.at(-1)!.version.version).toBe(6)
    expect(new Set(given.map(({ version }) => version.version)).size).toBeGreaterThan(3)
  })

  it('is made ready beside the model that answers', async () => {
    let open = () => {}
    const opened = new Promise<void>((resolve) => {
      open = resolve
    })
    const { runner, receiver: made, patch } = await receiver({ gate: () => opened })
    made.take(patch({ version: 1 }).bytes)
    expect((await runner.answer(frame)).version.version).toBe(0)
    open()
    await made.idle()
    expect((await runner.answer(frame)).version.version).toBe(1)
  })
})

describe('a patch that is refused', () => {
  const bad: [
    string,
    string,
    string | undefined,
    (kit: Awaited<ReturnType<typeof receiver>>) => Uint8Array,
  ][] = [
    [
      'unsigned',
      'PATCH_UNTRUSTED',
      undefined,
      ({ patch }) => patch({ version: 2, privateKey: newPatchKeys().privateKey }).bytes,
    ],
    ['truncated', 'PATCH_CORRUPT', 'damaged', ({ patch }) => patch({ version: 2 }).bytes.slice(0, -9)],
    ['empty', 'PATCH_MALFORMED', 'damaged', () => new Uint8Array(0)],
    [
      'damaged',
      'PATCH_CORRUPT',
      'damaged',
      ({ patch }) => patch({ version: 2 }).bytes.map((byte, at) => (at === 100 ? byte ^ 1 : byte)),
    ],
    ['replayed', 'PATCH_REPLAYED', undefined, ({ patch }) => patch({ version: 1 }).bytes],
    [
      'from the future',
      'PATCH_FROM_THE_FUTURE',
      undefined,
      ({ patch }) => patch({ version: 2, issuedS: NOW_S + 3600 }).bytes,
    ],
    [
      'built on a version that is not held',
      'PATCH_NEEDS_SNAPSHOT',
      'gap',
      ({ patch, network }) => patch({ version: 9, against: 8, reference: network.base }).bytes,
    ],
    [
      'for another family',
      'PATCH_OTHER_FAMILY',
      undefined,
      ({ patch }) => patch({ version: 2, family: new Uint8Array(32) }).bytes,
    ],
    [
      'for another architecture',
      'PATCH_OTHER_LAYOUT',
      undefined,
      ({ patch }) => {
        const { layout, base } = PatchedNetwork.of(otherNetwork())!
        return patch({ version: 2, layout, target: base, reference: base }).bytes
      },
    ],
  ]

  it.each(bad)('%s: the last good model goes on answering', async (_, code, reason, make) => {
    const kit = await receiver()
    await kit.take(kit.patch({ version: 1 }).bytes)
    await kit.take(make(kit))
    expect(kit.receiver.stats).toMatchObject({ adopted: 1, refused: { [code]: 1 }, version: { version: 1 } })
    expect(kit.asked.map((request) => request.reason)).toEqual(reason ? [reason] : [])
    const { output, version } = await kit.runner.answer(frame)
    expect(version).toEqual({ epoch: 1, version: 1 })
    expect([...output]).toEqual(await expected(kit.network, 1))
    // And the next sound patch is adopted.
    await kit.take(kit.patch({ version: 10 }).bytes)
    expect(kit.receiver.stats.version.version).toBe(10)
  })

  it('holds NaN, signed though it is', async () => {
    const kit = await receiver()
    const { bytes } = kit.patch({ version: 1 })
    // The first scale, behind a header of 80 bytes and one byte of layers.
    const view = new DataView(bytes.buffer)
    view.setFloat32(81, Number.NaN, true)
    const resealed = await reseal(bytes)
    await kit.take(resealed)
    expect(kit.receiver.stats.refused).toEqual({ PATCH_BAD_VALUES: 1 })
    expect((await kit.runner.answer(frame)).version.version).toBe(0)
  })

  it('makes the network overflow', async () => {
    const kit = await receiver()
    const { base } = kit.network
    const huge = { ...base, mean: base.mean.map(() => 3e38), scale: base.scale.map(() => 3e38) }
    await kit.take(kit.patch({ version: 1, target: huge }).bytes)
    expect(kit.receiver.stats.adopted).toBe(0)
    expect((await kit.runner.answer(frame)).version.version).toBe(0)
  })

  it('from the future is tried again when the clock has been set', async () => {
    let nowS = 0
    const kit = await receiver({ nowS: () => nowS })
    await kit.take(kit.patch({ version: 1 }).bytes)
    expect(kit.receiver.stats.refused).toEqual({ PATCH_FROM_THE_FUTURE: 1 })
    nowS = NOW_S
    await kit.clock.advance(11_000)
    kit.receiver.tick(true)
    await kit.receiver.idle()
    expect(kit.receiver.stats.version).toEqual({ epoch: 1, version: 1 })
  })

  it('asks for little, however much garbage comes', async () => {
    const kit = await receiver()
    for (let packet = 0; packet < 50; packet++) await kit.take(new Uint8Array(packet))
    expect(kit.asked).toHaveLength(1)
    for (let minute = 0; minute < 60; minute++) {
      await kit.clock.advance(60_000)
      await kit.take(new Uint8Array(3))
      kit.receiver.tick(true)
    }
    expect(kit.asked.length).toBeLessThan(16)
  })
})

describe('the guard', () => {
  const watch = (
    kit: Awaited<ReturnType<typeof receiver>>,
    answers: number,
    entropy: number,
    label: (at: number) => number,
  ) => {
    for (let at = 0; at < answers; at++)
      kit.model.answered(kit.runner.version, () => ({ entropy, label: label(at) }))
  }
  const guarded = async (store?: PatchStore) => {
    const kit = await receiver({
      guard: new CollapseGuard({ classes: 4, window: 20 }),
      ...(store ? { store } : {}),
    })
    watch(kit, 40, 0.6, (at) => at % 4)
    return kit
  }

  it('goes back to the last good version when one label takes all, refuses the other from then on, and tells the server', async () => {
    const store = new Memory()
    const kit = await guarded(store)
    await kit.take(kit.patch({ version: 1 }).bytes)
    watch(kit, 20, 0.5, (at) => at % 4)
    expect(kit.receiver.stats.lastGood.version).toBe(1)
    await kit.take(kit.patch({ version: 2 }).bytes)
    expect(kit.runner.version.version).toBe(2)
    watch(kit, 20, 0.3, () => 3)
    // At once, without anything to wait for.
    expect(kit.runner.version.version).toBe(1)
    const { output } = await kit.runner.answer(frame)
    expect([...output]).toEqual(await expected(kit.network, 1))
    expect(kit.asked).toEqual([
      { reason: 'rolledBack', held: { epoch: 1, version: 1 }, refused: { epoch: 1, version: 2 } },
    ])
    expect(kit.events.at(-1)).toMatchObject({ kind: 'rolled-back', from: { version: 2 }, to: { version: 1 } })
    await kit.take(kit.patch({ version: 2 }).bytes)
    expect(kit.receiver.stats).toMatchObject({
      rolledBack: 1,
      version: { version: 1 },
      refused: { PATCH_REPLAYED: 1 },
    })
    await kit.receiver.idle()
    expect(store.stored).toMatchObject({ version: { version: 1 }, newest: { version: 2 } })
    await kit.take(kit.patch({ version: 3 }).bytes)
    expect(kit.runner.version.version).toBe(3)
  })

  it('goes back to the network as packed when the first patch makes entropy collapse', async () => {
    const kit = await guarded()
    await kit.take(kit.patch({ version: 1 }).bytes)
    watch(kit, 20, 0.001, (at) => at % 4)
    expect(kit.runner.version.version).toBe(0)
    expect([...(await kit.runner.answer(frame)).output]).toEqual(await expected(kit.network, 0))
  })

  it('goes back at once when the patched network gives no numbers', async () => {
    const kit = await guarded()
    await kit.take(kit.patch({ version: 1 }).bytes)
    expect(kit.model.broken({ epoch: 1, version: 1 })).toBe(true)
    expect(kit.runner.version.version).toBe(0)
    expect(kit.model.broken({ epoch: 0, version: 0 })).toBe(false)
  })

  it('does not count answers of the version before', async () => {
    const kit = await guarded()
    await kit.take(kit.patch({ version: 1 }).bytes)
    for (let at = 0; at < 50; at++)
      kit.model.answered({ epoch: 0, version: 0 }, () => ({ entropy: 0, label: 3 }))
    expect(kit.runner.version.version).toBe(1)
  })
})

describe('clean probes', () => {
  it('keep a patch out that does worse on them, and the version is refused from then on', async () => {
    const { network } = patchesFor(bundle)
    const [packed, patched] = [await expected(network, 0), await expected(network, 8)]
    const top = (values: number[]) => values.indexOf(Math.max(...values))
    // Turned over, the network says something else.
    const target = { ...network.base, scale: network.base.scale.map((value) => -value) }
    const kit = await receiver({ probes: new ProbeSet([{ input: frame, label: top(packed) }], 0.1) })
    await kit.model.restore()
    await kit.take(kit.patch({ version: 1, target }).bytes)
    expect(kit.receiver.stats).toMatchObject({ adopted: 0, refused: { PROBE_DROP: 1 } })
    expect(kit.asked[0]).toMatchObject({ reason: 'rolledBack', refused: { version: 1 } })
    await kit.take(kit.patch({ version: 1 }).bytes)
    expect(kit.receiver.stats.refused).toMatchObject({ PATCH_REPLAYED: 1 })
    expect(top(patched)).toBe(top(packed))
    await kit.take(kit.patch({ version: 8 }).bytes)
    expect(kit.receiver.stats.adopted).toBe(1)
  })
})

describe('after a start', () => {
  it('a device goes on with the last good version, and takes nothing older', async () => {
    const store = new Memory()
    const before = await receiver({ store })
    await before.take(before.patch({ version: 3 }).bytes)
    const kit = await receiver({ store })
    await kit.model.restore()
    expect([...(await kit.runner.answer(frame)).output]).toEqual(await expected(kit.network, 3))
    await kit.take(kit.patch({ version: 2 }).bytes)
    expect(kit.receiver.stats).toMatchObject({ version: { version: 3 }, refused: { PATCH_REPLAYED: 1 } })
  })

  it('an unsound store costs the patch alone', async () => {
    const store = new Memory()
    const { base } = patchesFor(bundle).network
    const parameters = { ...base, variance: base.variance.map(() => -1) }
    store.stored = {
      version: { epoch: 1, version: 4 },
      newest: { epoch: 1, version: 4 },
      parameters,
      statistics: undefined,
    }
    const kit = await receiver({ store })
    await kit.model.restore()
    expect((await kit.runner.answer(frame)).version.version).toBe(0)
  })
})

describe('a head', () => {
  it('asks for a patch when the server has no tail for it, and goes back to the bundle at the third request', async () => {
    const kit = await receiver()
    await kit.take(kit.patch({ version: 1 }).bytes)
    const held = { epoch: 1, version: 1 }
    kit.receiver.mismatched(held)
    kit.receiver.mismatched(held)
    expect(kit.asked.map(({ reason }) => reason)).toEqual(['gap'])
    expect(kit.runner.version.version).toBe(1)
    kit.receiver.mismatched(held)
    await kit.receiver.idle()
    expect(kit.runner.version.version).toBe(0)
    // Of a server that counts anew.
    await kit.take(kit.patch({ version: 1, epoch: 2 }).bytes)
    expect(kit.runner.version).toEqual({ epoch: 2, version: 1 })
  })
})

describe('a start without a patch', () => {
  it('asks once, when the topic has stayed silent', async () => {
    const kit = await receiver()
    for (let second = 0; second < 60; second++) {
      kit.receiver.tick(second > 2)
      await kit.clock.advance(1000)
    }
    expect(kit.asked.map(({ reason }) => reason)).toEqual(['start'])
    const other = await receiver()
    other.receiver.tick(true)
    await other.take(other.patch({ version: 1 }).bytes)
    for (let second = 0; second < 60; second++) {
      other.receiver.tick(true)
      await other.clock.advance(1000)
    }
    expect(other.asked).toEqual([])
  })
})

/** Checksum and signature of what the numbers are now. */
async function reseal(bytes: Uint8Array): Promise<Uint8Array> {
  const { sign } = await import('node:crypto')
  const { crc32 } = await import('@isthmus/proto')
  const body = bytes.length - 68
  new DataView(bytes.buffer).setUint32(body, crc32(bytes, body), true)
  bytes.set(sign(null, bytes.subarray(0, body + 4), keys.privateKey), body + 4)
  return bytes
}
