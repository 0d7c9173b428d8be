import { seededRandom } from '@isthmus/models/data'
import { describe, expect, it } from 'vitest'
import { type Day, drawDay } from './day.ts'
import { type ReplayMethod, type ReplayRound, replayMethods } from './methods.ts'
import { replayDay } from './replay.ts'
import { parseTraceTasks } from './trace.ts'

const heading = 'time_us,job,task,user,scheduling_class,priority,cpu,memory,disk'
const trace = parseTraceTasks(
  [
    heading,
    ...Array.from(
      { length: 60 },
      (_, at) =>
        `0,${at >> 1},${at & 1},u${at % 9},${at % 4},${at % 12},0.${1 + (at % 4)},0.0${1 + (at % 7)},0`,
    ),
  ].join('\n'),
)
const day = drawDay(trace, { machines: 3, load: 2 }, seededRandom(1))

/** The method, and a look at every round. */
const watched =
  (method: ReplayMethod, look: (round: ReplayRound, chosen: Int32Array) => void): ReplayMethod =>
  (round) => {
    const chosen = method(round)
    look(round, chosen)
    return chosen
  }

describe('the trace', () => {
  it('is read by the names of its columns, priorities from 0 to 1', () => {
    expect(parseTraceTasks(`${heading}\n0,7,2,u3,1,11,0.125,0.5,0.1\n`)).toEqual([
      { job: '7', user: 'u3', schedulingClass: 1, priority: 1, cpu: 0.125, memory: 0.5 },
    ])
  })

  it('leaves out tasks that ask for nothing, and refuses what is no task', () => {
    expect(parseTraceTasks(`${heading}\n0,7,2,u3,1,11,0,0,0`)).toEqual([])
    for (const line of ['0,7,2,u3,4,1,0.1,0.1,0', '0,7,2,u3,1,1,NaN,0.1,0', '0,7,2,u3,1,1,2,0.1,0', '0,7']) {
      expect(() => parseTraceTasks(`${heading}\n${line}`)).toThrow(
        expect.objectContaining({ code: 'BAD_MARKET' }),
      )
    }
    expect(() => parseTraceTasks('job,user\n')).toThrow(/column scheduling_class/)
  })
})

describe('a day', () => {
  it('asks for as much as it was told to, in the order of arrival', () => {
    const asked = day.tasks.reduce((sum, { request, runsSec }) => sum + request.demand[0]! * runsSec, 0)
    const held = 86_400 * day.machines.reduce((sum, { capacity }) => sum + capacity[0]!, 0)
    expect(asked / held).toBeGreaterThanOrEqual(2)
    expect(asked / held).toBeLessThan(2.2)
    const times = day.tasks.map(({ arrivesSec }) => arrivesSec)
    expect(times).toEqual([...times].sort((a, b) => a - b))
    expect(drawDay(trace, { machines: 3, load: 2 }, seededRandom(1))).toEqual(day)
  })
})

describe('the replay', () => {
  it.each(Object.keys(replayMethods) as (keyof typeof replayMethods)[])(
    'never has more running on a machine than fits, and serves nobody twice: %s',
    (name) => {
      const servedIds = new Set<string>()
      const method = watched(replayMethods[name], ({ market }, chosen) => {
        const load = market.resources.map(() => [0, 0])
        for (const [at, machine] of chosen.entries()) {
          if (machine < 0) continue
          const { id, demand } = market.requests[at]!
          expect(servedIds.has(id)).toBe(false)
          servedIds.add(id)
          for (const kind of [0, 1]) load[machine]![kind]! += demand[kind]!
        }
        for (const [machine, used] of load.entries()) {
          for (const kind of [0, 1]) {
            expect(used[kind]).toBeLessThanOrEqual(market.resources[machine]!.capacity[kind]! + 1e-9)
          }
        }
      })
      const { served, value, series } = replayDay(day, method, {}, seededRandom(2))
      expect(served).toBe(servedIds.size)
      expect(served).toBeGreaterThan(0)
      expect(value).toBeLessThanOrEqual(served)
      for (const { cpu, memory } of series) {
        expect(cpu).toBeLessThanOrEqual(1 + 1e-9)
        expect(memory).toBeLessThanOrEqual(1 + 1e-9)
      }
    },
  )

  it('gives capacity back when a task has run its time', () => {
    const alone: Day = {
      machines: [{ ...day.machines[0]!, capacity: [0.5, 0.5, 0, 0] }],
      tasks: [0, 1].map((at) => ({
        request: { ...day.tasks[0]!.request, id: `t${at}`, demand: [0.5, 0.1, 0, 0], bid: 10 },
        arrivesSec: 10 + at,
        runsSec: 300,
      })),
    }
    const { served, series } = replayDay(alone, replayMethods.fifo, { roundSec: 100 }, seededRandom(1))
    expect(served).toBe(2)
    expect(series.slice(0, 7).map(({ cpu }) => cpu)).toEqual([1, 1, 1, 1, 1, 1, 0])
    const hasty = replayDay(alone, replayMethods.fifo, { roundSec: 100, patienceSec: 200 }, seededRandom(1))
    expect(hasty.served).toBe(1)
  })

  it('raises prices while more is asked for than there is, and lets them fall to nothing otherwise', () => {
    const busy = replayDay(day, replayMethods.auction, {}, seededRandom(1))
    expect(Math.max(...busy.series.map(({ cpuPrice }) => cpuPrice))).toBeGreaterThan(1)
    const idle = drawDay(trace, { machines: 20, load: 0.02 }, seededRandom(1))
    const quiet = replayDay(idle, replayMethods.auction, {}, seededRandom(1))
    expect(quiet.served).toBe(quiet.tasks)
    expect(quiet.series.at(-1)).toMatchObject({ cpuPrice: 0, memoryPrice: 0 })
  })

  it('scores every method by the same utility, which knows no history', () => {
    const plain = replayDay(day, replayMethods.fifo, {}, seededRandom(1))
    const heeding = replayDay(day, replayMethods.fifo, { heedsHistory: true }, seededRandom(1))
    expect(heeding.value).toBe(plain.value)
  })
})
