import type { NormParameters } from '@isthmus/models/adapt'
import type { PatchRequest, Sample } from '@isthmus/proto'
import { describe, expect, it } from 'vitest'
import { type AdaptationObserver, type AdaptationPace, FamilyAdaptation } from './family-adaptation.ts'
import type { Learner } from './learner-thread.ts'
import type { LearnerAnswers, LearnerTask } from './messages.ts'
import type { OutPatch, Publisher } from './publisher.ts'
import { SampleIntake } from './sample-intake.ts'
import { tinyLayers } from './tiny-networks.test.support.ts'

const parameters = {} as NormParameters
const pixels = new Uint8Array(12)
const sample = (number: number): Sample => ({
  ...{ kind: 'sample', family: 1, number, input: 'pixels', dims: [2, 2, 3], patch: 0, patchEpoch: 0 },
  ...{ entropy: 0.5, bundle: 0, mode: 0, scale: undefined, zeroPoint: undefined },
})
const request = (changes: Partial<PatchRequest> = {}): PatchRequest =>
  ({
    kind: 'patchRequest',
    family: 1,
    version: 0,
    reason: 'start',
    refused: 0,
    epoch: 5,
    refusedEpoch: 5,
    ...changes,
  }) as PatchRequest

const pace: AdaptationPace = {
  roundSize: 4,
  roundWaitMs: 2000,
  publishSteps: 3,
  publishMs: 10_000,
  saveMs: 60_000,
  keepsPixels: true,
  votes: { share: 1 / 3, fewest: 2 },
}

/** A family in virtual time: every task of the learner waits until the test lets it end. */
class World {
  nowMs = 0
  readonly tasks: LearnerTask[] = []
  readonly log: string[] = []
  dead = false
  diskFull = false
  rolledBack: LearnerAnswers['candidate']['rolledBack']
  readonly #versions = { newest: undefined as OutPatch | undefined }
  #end: ((answer: unknown) => void) | undefined
  readonly #learner: Learner
  readonly family: FamilyAdaptation

  constructor(changes: Partial<AdaptationPace> = {}) {
    const world = this
    this.#learner = {
      get idle() {
        return world.#end === undefined && !world.dead
      },
      run: (task) => {
        world.tasks.push(task)
        return new Promise((resolve) => {
          world.#end = resolve as (answer: unknown) => void
        })
      },
      published: (version) => this.log.push(`learner knows ${version}`),
      close: async () => void this.log.push('closed'),
    }
    const publisher = {
      get newest() {
        return world.#versions.newest
      },
      get version() {
        return world.#versions.newest?.version ?? 0
      },
      publish: async () => {
        if (world.diskFull) throw new Error('ENOSPC')
        world.#versions.newest = { epoch: 5, version: publisher.version + 1, bytes: new Uint8Array(3) }
        return world.#versions.newest
      },
    }
    const observer: AdaptationObserver = {
      uploaded: () => {},
      learned: ({ steps }) => this.log.push(`learned ${steps}`),
      lost: (uploads) => this.log.push(`lost ${uploads}`),
      published: () => {},
      rolledBack: (reason) => this.log.push(`back: ${reason}`),
      saved: () => this.log.push('saved'),
      troubled: (what) => this.log.push(`trouble: ${what}`),
      requested: (reason, outcome) => this.log.push(`${reason}: ${outcome}`),
    }
    this.family = new FamilyAdaptation('tiny@1.0.0', {
      intake: new SampleIntake({
        family: { key: 1, id: 'tiny@1.0.0', imageDims: [3, 2, 2], classes: 5, ...tinyLayers },
        ledger: { capacity: 9, perSecond: 100, burst: 100, snapshotsPerSecond: 0.1, snapshotsAtOnce: 1 },
        queue: { limit: 100, perDevice: 100, activeForMs: 600_000 },
      }),
      learner: this.#learner,
      publisher: publisher as unknown as Publisher,
      pace: { ...pace, ...changes },
      observer,
      send: ({ version }, device) => this.log.push(`version ${version} to ${device ?? 'all'}`),
      clock: () => this.nowMs,
      wallS: () => 1000 + this.nowMs / 1000,
    })
  }

  upload(count: number, device = 'cam', from = 1): void {
    for (let number = from; number < from + count; number++)
      this.family.sample(device, 1, sample(number), pixels)
  }

  /** Two devices upload, what is learned from them goes out as version 1. */
  async publishFirst(): Promise<void> {
    for (const device of ['a', 'b']) this.upload(2, device)
    this.family.tick()
    await this.end('well', 3)
    this.nowMs = 10_000
    this.family.tick()
    await this.end()
  }

  /** Ends the task in hand. */
  async end(how: 'well' | 'died' = 'well', steps = 1): Promise<void> {
    const task = this.tasks.at(-1)!
    const answers = {
      learn: { steps, judgements: [], studentLoss: 1, stored: 0 },
      candidate: { parameters, rolledBack: this.rolledBack },
      rollBack: { parameters, rolledBack: { reason: 'device-votes', detail: '' } },
      save: { bytes: 9, ms: 1 },
    }
    this.#end!(how === 'died' ? undefined : answers[task.kind])
    this.#end = undefined
    await this.family.settled()
  }

  kinds(): string[] {
    return this.tasks.map(({ kind }) => kind)
  }
}

describe('the adaptation of a family', () => {
  it('hands a round over when it is full, or when what is there has waited long enough', async () => {
    const world = new World()
    world.upload(3)
    world.family.tick()
    expect(world.kinds()).toEqual([])
    world.upload(2, 'cam', 4)
    world.family.tick()
    expect(world.kinds()).toEqual(['learn'])
    expect((world.tasks[0] as Extract<LearnerTask, { kind: 'learn' }>).uploads).toHaveLength(4)
    await world.end()
    world.nowMs = 1999
    world.family.tick()
    world.nowMs = 2000
    world.family.tick()
    expect(world.kinds()).toEqual(['learn', 'learn'])
  })

  it('does one thing at a time, and takes uploads in meanwhile', async () => {
    const world = new World()
    world.upload(4)
    world.family.tick()
    world.upload(8, 'door')
    world.family.tick()
    world.family.tick()
    expect(world.kinds()).toEqual(['learn'])
    expect(world.family.waiting).toBe(8)
    await world.end()
    world.family.tick()
    expect(world.kinds()).toEqual(['learn', 'learn'])
  })

  it('lets a version out after so many steps, and no sooner than so long after the last', async () => {
    const world = new World()
    world.upload(4)
    world.family.tick()
    await world.end('well', 3)
    world.family.tick()
    expect(world.kinds()).toEqual(['learn'])
    world.nowMs = 10_000
    world.family.tick()
    await world.end()
    expect(world.kinds()).toEqual(['learn', 'candidate'])
    expect(world.log).toEqual(['learned 3', 'learner knows 1', 'version 1 to all'])
    world.nowMs = 30_000
    world.family.tick()
    expect(world.kinds()).toHaveLength(2)
  })

  it('sends what is good out as a new version when the guard has turned the newest down', async () => {
    const world = new World()
    world.rolledBack = { reason: 'histogram-collapse', detail: '' }
    world.upload(4)
    world.family.tick()
    await world.end('well', 3)
    world.nowMs = 10_000
    world.family.tick()
    await world.end()
    expect(world.log).toContain('back: histogram-collapse')
    expect(world.log).toContain('version 1 to all')
  })

  it('writes the state from time to time, when there is something new, and when it closes', async () => {
    const world = new World()
    world.nowMs = 60_000
    world.family.tick()
    expect(world.kinds()).toEqual([])
    world.upload(4)
    world.family.tick()
    await world.end()
    world.family.tick()
    expect(world.kinds()).toEqual(['learn', 'save'])
    await world.end()
    world.nowMs = 200_000
    world.family.tick()
    expect(world.kinds()).toHaveLength(2)
    const closing = world.family.close()
    await Promise.resolve()
    await world.end()
    await closing
    expect(world.kinds()).toEqual(['learn', 'save', 'save'])
    expect(world.log.at(-1)).toBe('closed')
  })

  it('goes on when the thread dies over its work: that work is lost, and counted', async () => {
    const world = new World()
    world.upload(4)
    world.family.tick()
    world.dead = true
    await world.end('died')
    expect(world.log).toEqual(['lost 4'])
    world.upload(4, 'door')
    world.family.tick()
    expect(world.kinds()).toHaveLength(1)
    world.dead = false
    world.family.tick()
    expect(world.kinds()).toEqual(['learn', 'learn'])
  })

  it('answers who asks for a patch, once in a while', async () => {
    const world = new World()
    world.family.request('cam', request())
    expect(world.log).toEqual(['start: nothing-newer'])
    world.upload(4)
    world.family.tick()
    await world.end('well', 3)
    world.nowMs = 10_000
    world.family.tick()
    await world.end()
    world.log.length = 0
    world.family.request('cam', request({ reason: 'gap' }))
    world.family.request('cam', request({ reason: 'damaged' }))
    world.family.request('door', request({ version: 1 }))
    world.family.request('late', request({ version: 1, epoch: 4 }))
    expect(world.log).toEqual([
      'gap: sent',
      'version 1 to cam',
      'damaged: too-often',
      'start: nothing-newer',
      'start: sent',
      'version 1 to late',
    ])
  })

  it('gives a version up when several devices have gone back from it, not when one says so', async () => {
    const world = new World()
    await world.publishFirst()
    const refuse = (device: string) =>
      world.family.request(device, request({ reason: 'rolledBack', refused: 1 }))
    for (let time = 0; time < 5; time++) refuse('a')
    world.family.tick()
    expect(world.kinds()).toEqual(['learn', 'candidate'])
    refuse('b')
    world.family.tick()
    expect(world.tasks.at(-1)).toEqual({ kind: 'rollBack', version: 1 })
    await world.end()
    expect(world.log).toContain('back: device-votes')
    expect(world.log.at(-1)).toBe('version 2 to all')
  })

  it('tries again when a version could not be written: what devices have turned down does not stay out', async () => {
    const world = new World()
    await world.publishFirst()
    for (const device of ['a', 'b'])
      world.family.request(device, request({ reason: 'rolledBack', refused: 1 }))
    world.diskFull = true
    world.family.tick()
    await world.end()
    expect(world.log.slice(-2)).toEqual(['back: device-votes', 'trouble: publish'])
    world.diskFull = false
    world.nowMs = 19_999
    world.family.tick()
    expect(world.kinds().at(-1)).toBe('rollBack')
    world.nowMs = 20_000
    world.family.tick()
    await world.end()
    expect(world.log.at(-1)).toBe('version 2 to all')
    world.nowMs = 40_000
    world.family.tick()
    expect(world.kinds().at(-1)).toBe('candidate')
    expect(world.tasks).toHaveLength(4)
  })

  it('gives up two versions that are turned down at once, the older one too', async () => {
    const world = new World()
    for (const at of [1, 2]) {
      for (const device of ['a', 'b']) world.upload(2, device, 3 * at)
      world.family.tick()
      await world.end('well', 3)
      world.nowMs = 10_000 * at
      world.family.tick()
      await world.end()
    }
    const refuse = (device: string, refused: number) =>
      world.family.request(device, request({ reason: 'rolledBack', refused }))
    for (const version of [1, 2]) for (const device of ['a', 'b']) refuse(device, version)
    world.family.tick()
    expect(world.tasks.at(-1)).toEqual({ kind: 'rollBack', version: 1 })
  })
})
