import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type NormParameters, splitNetwork } from '@isthmus/models/adapt'
import { applyPatch, decodePatch, newPatchKeys } from '@isthmus/models/patch'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { type OutPatch, Publisher } from './publisher.ts'
import { SplitPublisher } from './split-publisher.ts'
import type { Version } from './tail-book.ts'
import { tinyHead, tinyLatentDims, tinyQuantizer, tinyTail } from './tiny-networks.test.support.ts'

const root = mkdtempSync(join(tmpdir(), 'isthmus-split-'))
afterAll(() => rmSync(root, { recursive: true }))

const keys = newPatchKeys()
const family = new Uint8Array(32).fill(7)
const networks = { head: tinyHead(), tail: tinyTail(), quantizer: tinyQuantizer, latentDims: tinyLatentDims }
const split = splitNetwork({ ...networks, learns: 'both' })
const [inHead, inTail] = [split.head!.layout.channels, split.tail.layout.channels]

/** Parameters of both halves that carry a mark: halves fit when they carry the same. */
function marked(mark: number): NormParameters {
  const vector = (value: number) => new Float32Array(inHead + inTail).fill(value)
  return { scale: vector(mark), shift: vector(0), mean: vector(0), variance: vector(1) }
}

let folders = 0
const newFolder = (): string => mkdtempSync(join(root, `${folders++}-`))

async function open(folder: string, nowS: number, learns: 'tail' | 'both' = 'both', limit = 3) {
  const { layout, base } = split.head!
  const options = { layout, base, family, privateKey: keys.privateKey, dtype: 'float32' } as const
  const heads = learns === 'both' ? await Publisher.open(join(folder, 'versions'), options, nowS) : undefined
  const halves = {
    network: learns === 'both' ? split : splitNetwork({ ...networks, learns }),
    lineage: 'head tail',
  }
  const lost: string[] = []
  const tails = { limit, keepMs: 1e9 }
  const publisher = await SplitPublisher.open(
    { halves, heads, path: join(folder, 'tails'), tails, clock: () => 0 },
    nowS,
    (reason) => lost.push(reason),
  )
  return { publisher, lost }
}

/** A device's head: what it runs with, and the mark of that. */
class Head {
  version: Version = { epoch: 0, version: 0 }
  mark: number | undefined
  good: { version: Version; mark: number | undefined } = { version: this.version, mark: undefined }
  #mismatches = 0

  take({ bytes }: OutPatch): void {
    const { layout, base } = split.head!
    try {
      const patch = decodePatch(bytes, {
        ...{ layout, family, publicKey: keys.publicKey, current: this.version, nowS: 1e6 },
      })
      this.good = { version: this.version, mark: this.mark }
      this.mark = applyPatch(patch, { base, current: base }).scale[0]!
      const { epoch, version } = patch.header
      this.version = { epoch, version }
    } catch {
      // An older one, or one again: the head stays as it is.
    }
  }

  rollBack(): void {
    this.version = this.good.version
    this.mark = this.good.mark
  }

  mismatched(): void {
    this.#mismatches++
    if (this.#mismatches < 3) return
    this.#mismatches = 0
    this.version = { epoch: 0, version: 0 }
    this.mark = undefined
  }
}

const events = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.constant('publish' as const) },
    { weight: 4, arbitrary: fc.record({ deliver: fc.nat(9), to: fc.nat(2) }) },
    { weight: 6, arbitrary: fc.record({ ask: fc.nat(2) }) },
    { weight: 4, arbitrary: fc.record({ answer: fc.nat(9) }) },
    { weight: 1, arbitrary: fc.record({ rollBack: fc.nat(2) }) },
    { weight: 1, arbitrary: fc.constant('restart' as const) },
    { weight: 1, arbitrary: fc.constant('lose tails' as const) },
    { weight: 1, arbitrary: fc.constant('lose versions' as const) },
  ),
  { minLength: 30, maxLength: 60, size: 'max' },
)

describe('versions of a split network', () => {
  it('never joins a head and a tail that do not fit, whatever comes late, early, twice, not at all, or is gone back from', async () => {
    const answers = { packed: 0, patched: 0, refused: 0 }
    await fc.assert(
      fc.asyncProperty(events, async (steps) => {
        const folder = newFolder()
        let nowS = 1000
        let { publisher } = await open(folder, nowS)
        const heads = [new Head(), new Head(), new Head()]
        const patches: OutPatch[] = []
        /** Requests on their way: the mark of the head that made the latent, and what the device says of it. */
        const asked: { head: Head; mark: number | undefined; version: Version }[] = []
        let mark = 1
        for (const step of steps) {
          if (step === 'publish') patches.push(await publisher.publish(marked(++mark), nowS))
          else if (typeof step === 'string') {
            if (step === 'lose tails') rmSync(join(folder, 'tails'), { force: true })
            if (step === 'lose versions') rmSync(join(folder, 'versions'), { force: true })
            nowS += 100
            ;({ publisher } = await open(folder, nowS))
            if (publisher.newest) patches.push(publisher.newest)
          } else if ('deliver' in step) {
            if (patches.length > 0) heads[step.to]!.take(patches[step.deliver % patches.length]!)
          } else if ('ask' in step) {
            const head = heads[step.ask]!
            asked.push({ head, mark: head.mark, version: head.version })
          } else if ('rollBack' in step) heads[step.rollBack]!.rollBack()
          else if (asked.length > 0) {
            const [request] = asked.splice(step.answer % asked.length, 1)
            const tail = publisher.behind(request!.version)
            if (!tail) {
              expect(request!.version.version).toBeGreaterThan(0)
              answers.refused++
              request!.head.mismatched()
              continue
            }
            answers[tail.version > 0 ? 'patched' : 'packed']++
            expect(tail.parameters?.scale[0]).toBe(request!.mark)
            expect({ version: tail.version, epoch: tail.epoch }).toEqual(request!.version)
          }
        }
      }),
      { numRuns: 50, seed: 5 },
    )
    for (const [kind, count] of Object.entries(answers)) expect(count, kind).toBeGreaterThan(10)
  }, 120_000)

  it('has the tail ready before the patch of its head is made', async () => {
    const { publisher } = await open(newFolder(), 1000)
    const patch = await publisher.publish(marked(2), 1000)
    expect(publisher.behind(patch)).toMatchObject({ version: 1, epoch: 1000, orPacked: false })
    expect(publisher.newest).toBe(patch)
  })

  it('says no patch out whose tail has been lost', async () => {
    const folder = newFolder()
    const first = await open(folder, 1000)
    await first.publisher.publish(marked(2), 1000)
    rmSync(join(folder, 'tails'))
    const { publisher } = await open(folder, 2000)
    expect(publisher.newest).toBeUndefined()
    const patch = await publisher.publish(marked(3), 2000)
    expect([patch.epoch, patch.version]).toEqual([1000, 2])
    expect(publisher.newest).toBe(patch)
  })

  it('keeps the tails of a few versions, and answers the packed head by the packed tail', async () => {
    const { publisher } = await open(newFolder(), 1000, 'both', 2)
    for (let mark = 2; mark < 6; mark++) await publisher.publish(marked(mark), 1000)
    expect(publisher.tails).toBe(2)
    expect(publisher.behind({ epoch: 1000, version: 1 })).toBeUndefined()
    expect(publisher.behind({ epoch: 1000, version: 4 })?.parameters?.scale[0]).toBe(5)
    expect(publisher.behind({ epoch: 0, version: 0 })).toMatchObject({ version: 0, parameters: undefined })
  })

  it('answers the packed head by the newest tail where the tail alone learns, also after a restart', async () => {
    const folder = newFolder()
    const tailOnly = (mark: number): NormParameters => {
      const all = marked(mark)
      const part = (vector: Float32Array) => vector.slice(0, inTail)
      return {
        ...{ scale: part(all.scale), shift: part(all.shift) },
        ...{ mean: part(all.mean), variance: part(all.variance) },
      }
    }
    const first = await open(folder, 1000, 'tail', 1)
    expect(first.publisher.behind({ epoch: 0, version: 0 })).toMatchObject({ version: 0, epoch: 0 })
    await first.publisher.publish(tailOnly(2), 1000)
    expect(await first.publisher.publish(tailOnly(3), 1000)).toMatchObject({
      version: 2,
      bytes: new Uint8Array(0),
    })
    for (const { publisher } of [first, await open(folder, 2000, 'tail', 1)]) {
      const tail = publisher.behind({ epoch: 0, version: 0 })
      expect(tail).toMatchObject({ version: 2, epoch: 1000, orPacked: true })
      expect(tail?.parameters?.scale[0]).toBe(3)
      expect(publisher.behind({ epoch: 1000, version: 2 })).toBeUndefined()
      expect(publisher.version).toBe(2)
    }
  })
})
