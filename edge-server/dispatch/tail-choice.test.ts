import {
  type BodyFields,
  decodeMessage,
  encodeMessage,
  type Message,
  topic,
  wireErrorCodeOf,
} from '@isthmus/proto'
import { expect, it } from 'vitest'
import { bundleOf } from './bundle.test.support.ts'
import { Catalog } from './catalog.ts'
import { Dispatcher } from './dispatcher.ts'
import type { TailChoice, Tails } from './tail-choice.ts'
import type { Outcome, TailWork, Work } from './work.ts'

const SITE = 'yard'
const parameters = {
  scale: Float32Array.of(1),
  shift: Float32Array.of(0),
  mean: Float32Array.of(0),
  variance: Float32Array.of(1),
}
const tail = (version: number): TailChoice => ({ version, epoch: 9, parameters, orPacked: false })

/** A runner that keeps what it is given until it is told to answer; it says which tail it ran. */
function start(tails?: Tails) {
  const works: TailWork[] = []
  const ends: (() => Promise<void>)[] = []
  const sent: Message[] = []
  const dispatcher = new Dispatcher({
    site: SITE,
    epoch: 1,
    catalog: new Catalog([bundleOf()]),
    runner: {
      accepts: () => true,
      onVacancy: () => {},
      run: (work: Work) =>
        new Promise<Outcome>((resolve) => {
          works.push(work as TailWork)
          ends.push(async () => {
            const { tail: ran } = work as TailWork
            const result = Float32Array.of(1, 2)
            resolve({ ok: true, result, dims: [1, 2], ...(ran ? { tail: ran } : {}), decodeMs: 0, tailMs: 0 })
            await new Promise((done) => setImmediate(done))
          })
        }),
    },
    send: (_, packet) => sent.push(decodeMessage(packet)),
    observer: { answered() {}, ran() {}, refused() {}, garbage() {}, strangeBundle() {} },
    clock: () => 0,
    ...{ queue: 9, credits: 9, maxWaitMs: 1e4, maxMessageBytes: 1e5, maxDevices: 9 },
    ...(tails ? { tails } : {}),
  })
  let id = 0
  const ask = (fields: Partial<BodyFields>) => {
    const envelope = { id: ++id, boot: 1, sequence: id, sentUs: 0 }
    const body = { kind: 'infer', bundle: 77, mode: 1, route: 'split', ...fields } as BodyFields
    dispatcher.receive(topic(SITE, 'cam', 'infer'), encodeMessage({ envelope, body }, new Uint8Array(4)))
  }
  const answers = () =>
    sent.map(({ body }) => {
      if (body.kind === 'error') return wireErrorCodeOf(body.code)
      return body.kind === 'reply' ? `${body.patchEpoch}.${body.patch}` : body.kind
    })
  return { ask, works, ends, answers }
}

it('runs the tail that fits the head of the request, and says which one has answered', async () => {
  const tails = new Map([[3, tail(3)]])
  const { ask, works, ends, answers } = start({ behind: ({ patch }) => tails.get(patch) })
  ask({ patch: 3, patchEpoch: 9 })
  ask({ patch: 4, patchEpoch: 9 })
  await ends[0]!()
  expect(works[0]!.tail).toBe(tails.get(3))
  expect(answers()).toEqual(['PATCH_MISMATCH', '9.3'])
})

it('answers a request by the tail that there was when it came, whatever is adopted meanwhile', async () => {
  let newest = tail(1)
  const { ask, works, ends, answers } = start({ behind: () => newest })
  ask({})
  newest = tail(2)
  ask({})
  expect(works.map((work) => work.tail?.version)).toEqual([1, 2])
  for (const end of ends) await end()
  expect(answers()).toEqual(['9.1', '9.2'])
})

it('has the tails of the bundles alone where nothing adapts, and images need no tail', async () => {
  const { ask, works, ends, answers } = start()
  ask({})
  ask({ patch: 1, patchEpoch: 9 })
  await ends[0]!()
  expect(works[0]!.tail).toBeUndefined()
  expect(answers()).toEqual(['PATCH_MISMATCH', '0.0'])
})
