import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { connectDevice, type Device, type DeviceOptions } from '@isthmus/device-sdk'
import { readNormParameters } from '@isthmus/models/adapt'
import { normLayoutOf } from '@isthmus/models/adapt/norms'
import { type Bundle, loadBundle, writeBundle } from '@isthmus/models/bundle'
import { seededRandom } from '@isthmus/models/data'
import { readModel } from '@isthmus/models/onnx'
import { encodePatch, newPatchKeys, publicKeyText } from '@isthmus/models/patch'
import { quantile } from '@isthmus/policies'
import { familyKey, patchTopic } from '@isthmus/proto'
import type { Part } from '../part.ts'
import { median, medianInterval } from '../statistics.ts'
import type { FigureSpec, SuiteContext } from '../suite.ts'

export const latencyFigures: readonly FigureSpec[] = [
  {
    name: 'latencyPenaltyPct',
    meaning: 'p50 of a local answer with uploading and patching on against off, in per cent more',
    target: { atMost: 5 },
    kind: 'speed',
  },
]

const SEED = 11
/** Of all frames, so many are sent: what the paper's rules let through at severity 3, and no less. */
const SENT_SHARE = 0.45
/** Samples leave in bursts: a block is long enough for two of them. */
const FRAMES_PER_BLOCK = 50
/** A patch a second, as in the live part; a server that nobody has told otherwise sends one in ten seconds. */
const BLOCKS_PER_PATCH = 2
/** A camera of a hundred frames a second. */
const PERIOD_MS = 10
/** What is not enough for a burst leaves within half a second. */
const LAST_SAMPLES_MS = 1000

/**
 * Two devices in this process, on a broker in another: one takes no part in adaptation, the other sends 45 % of its frames and is given a
 * patch for every hundred of them. They take turns, 50 frames each; which of the two begins changes, too. The local network of `cifar10-adaptable`;
 * random pictures, for time does not depend on what they show.
 */
export async function measureLatency({ quick, bundles, say }: SuiteContext): Promise<Part> {
  say('time of an answer with and without adaptation')
  const blocks = quick ? 16 : 120
  const folder = await mkdtemp(join(tmpdir(), 'isthmus-latency-'))
  const keys = newPatchKeys()
  const closing: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true })]
  try {
    const bundle = await localBundle(join(bundles, 'cifar10-adaptable'), join(folder, 'bundle'))
    const { name, version } = bundle.manifest
    const broker = fork(fileURLToPath(new URL('./latency-broker-main.js', import.meta.url)), [
      name,
      version,
      String(bundle.key),
    ])
    closing.push(() => ended(broker))
    const [{ port }] = (await once(broker, 'message')) as [{ port: number }]
    const open = async (id: string, adaptation?: DeviceOptions['adaptation']) => {
      const device = await connectDevice({
        id,
        bundle: join(folder, 'bundle'),
        broker: `mqtt://127.0.0.1:${port}`,
        deadlineMs: 10_000,
        waitForServerMs: 10_000,
        adaptation,
      })
      closing.push(() => device.close())
      return device
    }
    let offered = 0
    const selector = {
      name: 'a fixed share',
      judge: () =>
        Math.floor(++offered * SENT_SHARE) > Math.floor((offered - 1) * SENT_SHARE)
          ? ({ upload: true, worth: 0 } as const)
          : ({ upload: false, why: 'certain' } as const),
    }
    const off = await open('bench-off')
    const on = await open('bench-on', {
      privacy: 'raw',
      selector,
      bytesPerHour: 1e10,
      patchKey: publicKeyText(keys.publicKey),
      guard: false,
    })
    const patches = patchesOf(bundle, keys.privateKey)
    const times = await takeTurns(off, on, blocks, (count) => broker.send(patches(count)))
    const samplesArrived = await arrived(broker)
    return figuresOf(times, on, blocks, samplesArrived)
  } finally {
    for (const close of closing.reverse()) await close()
  }
}

/** Wall times of answers in ms, block by block: the same place in both was measured side by side. */
interface Times {
  readonly off: number[][]
  readonly on: number[][]
}

async function takeTurns(
  off: Device,
  on: Device,
  blocks: number,
  sendPatch: (count: number) => void,
): Promise<Times> {
  const random = seededRandom(SEED)
  const frames = Array.from({ length: 64 }, () => ({
    data: Uint8Array.from({ length: 3072 }, () => random.below(256)),
    width: 32,
    height: 32,
  }))
  const times: Times = { off: [], on: [] }
  let patches = 1
  const takeTurn = async (device: Device, block: number) => {
    const taken: number[] = []
    if (device === on && block % BLOCKS_PER_PATCH === 0) sendPatch(++patches)
    for (let frame = 0; frame < FRAMES_PER_BLOCK; frame++) {
      const { wallMs } = await device.infer(frames[random.below(frames.length)]!, { route: 'local' })
      taken.push(wallMs)
      const leftMs = PERIOD_MS - wallMs
      if (leftMs > 1) await wait(leftMs)
    }
    return taken
  }
  for (let block = -BLOCKS_PER_PATCH; block < blocks; block++) {
    for (const which of block % 2 === 0 ? (['off', 'on'] as const) : (['on', 'off'] as const)) {
      const taken = await takeTurn(which === 'on' ? on : off, block)
      if (block >= 0) times[which].push(taken)
      // What is still on its way belongs to nobody's time.
      const untilMs = performance.now() + LAST_SAMPLES_MS
      do await wait(30)
      while (on.stats.adaptation!.uploads.waiting > 0 && performance.now() < untilMs)
    }
  }
  return times
}

function figuresOf({ off, on }: Times, device: Device, blocks: number, samplesArrived: number): Part {
  // The machine may be slower in one minute than in the next: each block is held against the one beside it.
  const penalties = on.map((block, at) => 100 * (median(block) / median(off[at]!) - 1))
  const { uploads, patches } = device.stats.adaptation!
  const spread = (values: readonly number[]) => ({
    p50Ms: median(values),
    p50Interval95Ms: [...medianInterval(values)],
    p95Ms: quantile(values, 0.95),
    p99Ms: quantile(values, 0.99),
  })
  return {
    figures: { latencyPenaltyPct: median(penalties) },
    detail: {
      latency: {
        seed: SEED,
        blocks,
        framesPerBlock: FRAMES_PER_BLOCK,
        blocksPerPatch: BLOCKS_PER_PATCH,
        periodMs: PERIOD_MS,
        penaltyInterval95Pct: [...medianInterval(penalties)],
        off: spread(off.flat()),
        on: spread(on.flat()),
        samplesSent: uploads.sent,
        samplesArrived,
        sampleBytes: uploads.sentBytes,
        dropped: { ...uploads.dropped },
        patchesAdopted: patches.local?.adopted ?? 0,
      },
    },
  }
}

/** The bundle's local network alone. */
async function localBundle(from: string, to: string): Promise<Bundle> {
  const { manifest, modelBytes } = await loadBundle(from, { only: ['local'] })
  const { name, version, task, labels, input, output, modes } = manifest
  const { file, macs, params } = manifest.models.local!
  const models = { local: { file, macs, params } }
  const draft = { name, version, task, labels, input, output, models }
  const local = modes.filter(({ route }) => route === 'local')
  return writeBundle(to, { ...draft, modes: local }, { [file]: modelBytes('local') })
}

/** The orders to the broker for patches, each of other parameters than the one before. */
function patchesOf(bundle: Bundle, privateKey: ReturnType<typeof newPatchKeys>['privateKey']) {
  const model = readModel(bundle.modelBytes('local'))
  const layout = normLayoutOf(model)
  const base = readNormParameters(model, layout)
  const hash = bundle.manifest.models.local!.sha256
  return (version: number) => {
    const scale = base.scale.map((value) => value * (1 + 0.001 * (version % 7)))
    const { bytes } = encodePatch({
      layout,
      family: Uint8Array.from(Buffer.from(hash, 'hex')),
      epoch: 1,
      version,
      target: { ...base, scale },
      reference: base,
      dtype: 'float32',
      issuedS: Date.now() / 1000,
      privateKey,
    })
    const patch = Buffer.from(bytes).toString('base64')
    return { topic: patchTopic('default', hash), family: familyKey(hash), version, patch }
  }
}

async function arrived(broker: ChildProcess): Promise<number> {
  const answer = once(broker, 'message') as Promise<[{ samples: number }]>
  broker.send('count')
  return (await answer)[0].samples
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const exit = once(child, 'exit')
  child.kill()
  await exit
}
