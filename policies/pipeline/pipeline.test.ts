import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { allLocalReference, costOfPlan, outcomeOf, type SchedulePlan, timelineOf } from '../dag/index.ts'
import {
  improvingPlanner,
  type PlacementView,
  pipelineGraph,
  placementProblem,
  planningPolicy,
  remoteGroups,
  type StageHost,
} from './index.ts'
import { row, sketch } from './pipeline.test.kit.ts'

const hostsOf = (word: string): StageHost[] => [...word].map((letter) => (letter === 'e' ? 'edge' : 'device'))

/** Random graphs: stage n reads some of those before it. */
const graphs = fc
  .integer({ min: 1, max: 8 })
  .chain((count) =>
    fc.record({
      reads: fc.tuple(
        ...Array.from({ length: count }, (_, at) => fc.subarray(Array.from({ length: at }, (_, k) => k))),
      ),
      hosts: fc.array(fc.constantFrom<StageHost>('device', 'edge'), { minLength: count, maxLength: count }),
    }),
  )
  .map(({ reads, hosts }) => {
    const stages = reads.map((from, at) => ({
      id: `s${at}`,
      reads: from.length === 0 ? ['input'] : from.map((one) => `s${one}`),
    }))
    const read = new Set(stages.flatMap(({ reads }) => reads))
    const ends = stages.flatMap(({ id }) => (read.has(id) ? [] : [id]))
    return { form: sketch(stages, ends), hosts }
  })

describe('the requests of a placement', () => {
  const diamond = sketch(
    [
      { id: 'a', reads: ['input'] },
      { id: 'b', reads: ['a'] },
      { id: 'c', reads: ['a'] },
      { id: 'd', reads: ['b', 'c'] },
    ],
    ['d'],
  )
  it.each([
    ['nothing away', row, 'ddd', []],
    ['all away: one request', row, 'eee', [[0, 1, 2]]],
    ['the end away', row, 'dee', [[1, 2]]],
    ['there and back and there', row, 'ede', [[0], [2]]],
    ['two that read one tensor go together', diamond, 'deed', [[1, 2]]],
    ['a detour over the device splits the diamond', diamond, 'edee', [[0, 2], [3]]],
  ] as const)('%s', (_, form, hosts, groups) => {
    const made = remoteGroups(form.wiring, hostsOf(hosts))
    expect(made.map(({ stages }) => stages)).toEqual(groups)
  })

  it('bring each tensor once, and ask only for what others need', () => {
    const [group] = remoteGroups(diamond.wiring, hostsOf('deed'))
    const refer = (numbers: readonly number[]) => numbers.map((at) => diamond.wiring.tensors[at]!.reference)
    expect(refer(group!.inputs)).toEqual(['a.y'])
    expect(refer(group!.outputs)).toEqual(['b.y', 'c.y'])
    const [whole] = remoteGroups(diamond.wiring, hostsOf('eeee'))
    expect(refer(whole!.inputs)).toEqual(['input.x'])
    expect(refer(whole!.outputs)).toEqual(['d.y'])
  })

  it('never wait for each other, and leave no stage out', () => {
    fc.assert(
      fc.property(graphs, ({ form, hosts }) => {
        const { wiring } = form
        const groups = remoteGroups(wiring, hosts)
        const away = hosts.flatMap((host, at) => (host === 'edge' ? [at] : []))
        expect(groups.flatMap(({ stages }) => stages).sort((a, b) => a - b)).toEqual(away)
        // Plays the placement with nothing but the tensors that are there.
        const there = new Set(wiring.inputs.map(({ number }) => number))
        const left = [...groups]
        const alone = new Set(hosts.flatMap((host, at) => (host === 'device' ? [at] : [])))
        for (let moved = true; moved; ) {
          moved = false
          for (const at of [...alone]) {
            if (!wiring.stages[at]!.inputs.every(({ tensor }) => there.has(tensor))) continue
            for (const { number } of wiring.stages[at]!.outputs) there.add(number)
            alone.delete(at)
            moved = true
          }
          const at = left.findIndex(({ inputs }) => inputs.every((tensor) => there.has(tensor)))
          if (at < 0) continue
          for (const tensor of left.splice(at, 1)[0]!.outputs) there.add(tensor)
          moved = true
        }
        expect([left.length, alone.size]).toEqual([0, 0])
      }),
    )
  })
})

it('a pipeline is a graph of tasks: multiply-adds as cycles, bits of what crosses', () => {
  const { name, tasks } = pipelineGraph(
    sketch(
      [
        { id: 'a', reads: ['input', 'input'], macs: 7 },
        { id: 'b', reads: ['a', 'input', 'a'] },
      ],
      ['a', 'b'],
      { coded: ['a.y'] },
    ),
  )
  expect(name).toBe('sketch@1.0.0')
  expect(tasks).toEqual([
    { id: 'a', cycles: 7, inputBits: 3200, outputBits: 8 * 15, after: [] },
    { id: 'b', cycles: 1000, inputBits: 3200, outputBits: 320, after: [{ task: 'a', bits: 8 * 15 }] },
  ])
})

const link = { rateBps: 8e6, rttMs: 4, spreadMs: 1 }
const view = (changes: Partial<PlacementView> = {}): PlacementView => ({
  pipeline: row,
  deviceMs: [10, 20, 30],
  edgeMs: [1, 2, 3],
  link,
  ...changes,
})
const place = (changes: Partial<PlacementView> = {}, deadlineMs = 100) => {
  const seen = view(changes)
  const problem = placementProblem(seen)
  return planningPolicy().place({ nowMs: 0, deadlineMs, pipeline: row, problem, link: seen.link })
}

describe('placing', () => {
  it('reckons with half a round trip for each way, and what the messages hold', () => {
    const problem = placementProblem(view())
    const plan: SchedulePlan = { host: Int32Array.of(1, 1, 1), sequence: Int32Array.of(0, 1, 2) }
    const { latencyS } = outcomeOf(problem, plan, timelineOf(problem, plan))
    expect(latencyS * 1000).toBeCloseTo(4 + 6 + (8000 * (400 + 40)) / 8e6, 6)
  })

  it('sends what is quicker elsewhere, and keeps what is not', () => {
    expect(place().hosts).toEqual(['edge', 'edge', 'edge'])
    expect(place({ edgeMs: [100, 2, 3] }).hosts).toEqual(['device', 'edge', 'edge'])
    expect(place({ link: { ...link, rttMs: 500 } }).hosts).toEqual(['device', 'device', 'device'])
    expect(place({ link: undefined }).hosts).toEqual(['device', 'device', 'device'])
    expect(place({ edgeWaitMs: 80 }).hosts).toEqual(['device', 'device', 'device'])
  })

  it('obeys the user, and what can run where', () => {
    expect(place({ fixed: ['device', undefined, 'device'] }).hosts).toEqual(['device', 'edge', 'device'])
    expect(place({ edgeMs: [undefined, undefined, 3] }).hosts).toEqual(['device', 'device', 'edge'])
    expect(place({ deviceMs: [10, undefined, 30], link: { ...link, rttMs: 500 } }).hosts[1]).toBe('edge')
    expect(() => place({ deviceMs: [10, undefined, 30], link: undefined })).toThrow(/NO_HOST|"b"/)
  })

  it('sends nothing that no message can hold', () => {
    expect(place({ largestBytes: 399 }).hosts).toEqual(['device', 'edge', 'edge'])
  })

  it('stays alone when that is in time and the plan is not', () => {
    const slow = { ...link, spreadMs: 70 }
    expect(place({ link: slow }, 65).hosts).toEqual(['device', 'device', 'device'])
    expect(place({ link: slow }, 50).hosts).toEqual(['edge', 'edge', 'edge'])
  })

  it.each([
    ['a server that says it takes an hour', { edgeMs: [4294967, 4294967, 4294967] }],
    ['a server whose queue has no end', { edgeWaitMs: 4294967 }],
    ['times that are no numbers', { edgeMs: [Number.NaN, -1, Number.POSITIVE_INFINITY] }],
    ['a wait that is no number', { edgeWaitMs: Number.NaN }],
    ['a link that stands still', { link: { rateBps: 0, rttMs: Number.POSITIVE_INFINITY } }],
  ])('is not confused by %s', (_, lie) => {
    const { hosts, expectedMs } = place(lie)
    expect(hosts).toEqual(['device', 'device', 'device'])
    expect(expectedMs).toBeCloseTo(60)
  })

  it('the planner is never worse than one host for everything, and mostly the best', () => {
    let best = 0
    let runs = 0
    fc.assert(
      fc.property(
        graphs,
        fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 16, maxLength: 16 }),
        fc.integer({ min: 1, max: 40 }),
        ({ form, hosts }, ms, rttMs) => {
          const [deviceMs, edgeMs] = [ms.slice(0, hosts.length), ms.slice(8, 8 + hosts.length)]
          const problem = placementProblem({
            pipeline: form,
            deviceMs,
            edgeMs,
            link: { rateBps: 1e6, rttMs },
          })
          const goal = { weights: { latency: 1 }, reference: allLocalReference(problem) }
          const costOf = (plan: SchedulePlan) => costOfPlan(problem, plan, goal.weights, goal.reference)
          const plan = improvingPlanner.plan(problem, goal)
          let least = Number.POSITIVE_INFINITY
          for (let bits = 0; bits < 2 ** hosts.length; bits++) {
            const host = plan.host.map((_, task) => (bits >> task) & 1)
            least = Math.min(least, costOf({ host, sequence: plan.sequence }))
          }
          const cost = costOf(plan)
          for (const host of [0, 1])
            expect(cost).toBeLessThanOrEqual(costOf({ ...plan, host: plan.host.map(() => host) }))
          runs++
          if (cost <= least * 1.0001) best++
        },
      ),
      { seed: 7 },
    )
    expect(best / runs).toBeGreaterThan(0.9)
  })
})
