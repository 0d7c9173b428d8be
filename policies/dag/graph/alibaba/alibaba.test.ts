import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type AlibabaJob, alibabaJobs } from './batch-task.ts'
import { graphFromAlibaba } from './graph-from-alibaba.ts'
import { parseAlibabaName } from './task-name.ts'

const row = (name: string, more = {}) => ({ name, instances: 1, startS: 10, endS: 12, planCpu: 100, ...more })

describe('parseAlibabaName', () => {
  it.each([
    ['M1', 1, [], []],
    ['R4_2', 4, [2], []],
    ['M5_3_4', 5, [3, 4], []],
    ['J12_11_3_10', 12, [11, 3, 10], []],
    ['J2_1_Stg3', 2, [1], [3]],
    ['R6_5_Stg1', 6, [5], [1]],
    ['M7_Stg3', 7, [], [3]],
    ['J10_7_9_Stg4', 10, [7, 9], [4]],
    [
      'M5_14_17_28_30_40_42_52_54_64_66_76_78_88_90_100_1',
      5,
      [14, 17, 28, 30, 40, 42, 52, 54, 64, 66, 76, 78, 88, 90, 100, 1],
      [],
    ],
    ['MergeTask', undefined, [], []],
    ['M', undefined, [], []],
    ['task_Nzg3ODAwNDgzMTAwNTc2NTQ2Mw==', undefined, [], []],
    ['task_12_11', undefined, [], []],
  ])('reads %s', (name, number, after, stages) => {
    expect(parseAlibabaName(name)).toEqual({ ...(number !== undefined && { number }), after, stages })
  })

  it.each([
    '',
    'M1_',
    'M1__2',
    '1',
    '1_2',
    'M1_x',
    'M1-2',
    'M1_2 ',
    'M9999999999',
    'M1_Stg1_',
    '_1',
    'M1_2_Stg3x',
  ])('refuses "%s"', (name) =>
    expect(() => parseAlibabaName(name)).toThrow(expect.objectContaining({ code: 'BAD_GRAPH' })),
  )
})

describe('graphFromAlibaba', () => {
  it('makes the job of the trace’s own example', () => {
    const rows = ['M1', 'M2_1', 'M3_1', 'R4_2', 'M5_3_4', 'task_Nzg='].map((name) => row(name))
    const graph = graphFromAlibaba(rows, {
      name: 'j_1',
      edgeBits: (from, to) => Number(from.name[1]) + 10 * to.name.length,
    })
    expect(graph.name).toBe('j_1')
    expect(graph.tasks.map(({ id, after = [] }) => [id, ...after.map(({ task }) => task)])).toEqual([
      ['M1'],
      ['M2_1', 'M1'],
      ['M3_1', 'M1'],
      ['R4_2', 'M2_1'],
      ['M5_3_4', 'M3_1', 'R4_2'],
      ['task_Nzg='],
    ])
    expect(graph.tasks[4]!.after!.map(({ bits }) => bits)).toEqual([63, 64])
  })

  it('counts cycles by seconds, cores and instances', () => {
    const rows = [
      row('M1', { instances: 3, planCpu: 50 }),
      row('M2', { planCpu: undefined, endS: undefined }),
    ]
    const cyclesOf = (options: object) => graphFromAlibaba(rows, options).tasks.map(({ cycles }) => cycles)
    expect(cyclesOf({ unknownDurationS: 4 })).toEqual([2 * 0.5 * 2.5e9 * 3, 4 * 2.5e9])
    expect(cyclesOf({ unknownDurationS: 4, instances: 'one', coreCyclesPerS: 1e9 })).toEqual([1e9, 4e9])
  })

  it.each([
    ['a predecessor that is missing', [row('R2_1')], 'GRAPH_UNKNOWN_TASK', '"R2_1" waits for task 1'],
    [
      'a number that comes twice',
      [row('M1'), row('R1')],
      'GRAPH_DUPLICATE_TASK',
      '"M1" and "R1" are both task 1',
    ],
    [
      'a lone task that comes twice',
      [row('MergeTask'), row('MergeTask')],
      'GRAPH_DUPLICATE_TASK',
      'MergeTask',
    ],
    // Rows of job j_1053726 of the trace, whose long name was cut off (alibaba/clusterdata issue 136).
    ['a cycle', [row('M5_1'), row('R1_5')], 'GRAPH_CYCLE', 'R1_5 → M5_1 → R1_5'],
    ['a task that waits for itself', [row('M3_3')], 'GRAPH_CYCLE', '"M3_3" waits for itself'],
    ['a predecessor named twice', [row('M1'), row('R2_1_1')], 'BAD_GRAPH', '"R2_1_1" waits twice for "M1"'],
    ['a name cut off', [row('M1'), row('R2_')], 'BAD_GRAPH', '"R2_"'],
    ['an end before its start', [row('M1', { endS: 3 })], 'BAD_GRAPH', '"M1" ends at 3 s'],
    ['an end that is missing', [row('M1', { endS: undefined })], 'BAD_GRAPH', '"M1" has no end'],
    ['no rows', [], 'BAD_GRAPH', 'tasks'],
  ])('refuses %s', (_, rows, code, message) => {
    expect(() => graphFromAlibaba(rows)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(message) }),
    )
  })

  it('never throws another error than one that it names, whatever the names', () => {
    const name = fc.oneof(
      fc.string(),
      fc
        .array(fc.constantFrom('M', 'R', '1', '2', '3', '_', 'Stg', 'task_'), { maxLength: 8 })
        .map((parts) => parts.join('')),
      fc.tuple(fc.nat(5), fc.array(fc.nat(5))).map((numbers) => `M${numbers.flat().join('_')}`),
    )
    let taken = 0
    fc.assert(
      fc.property(fc.array(name, { maxLength: 6 }), (names) => {
        try {
          graphFromAlibaba(names.map((each) => row(each)))
          taken++
        } catch (error) {
          expect(error).toMatchObject({ name: 'IsthmusError', code: expect.stringMatching(/^(BAD_)?GRAPH/) })
        }
      }),
      { numRuns: 2000, seed: 1 },
    )
    expect(taken).toBeGreaterThan(50)
  })
})

async function read(lines: Iterable<string> | AsyncIterable<string>, options = {}): Promise<AlibabaJob[]> {
  const jobs: AlibabaJob[] = []
  for await (const job of alibabaJobs(lines, options)) jobs.push(job)
  return jobs
}

describe('alibabaJobs', () => {
  // Rows as alibaba/clusterdata issues 56 and 136 quote them.
  const lines = [
    'R2_1,1,j_2,1,Terminated,87076,87086,50,0.2',
    'M1,1,j_2,1,Terminated,87076,87083,50,0.2',
    'J10_7_9_Stg4,69,j_4160894,1,Terminated,348729,349024,100,0.39',
    'R2_1_Stg8,39,j_642358,1,Running,675174,0,,',
    '',
  ]

  it('groups rows by job and leaves out what the trace does not know', async () => {
    expect(await read(lines)).toEqual([
      {
        name: 'j_2',
        tasks: [
          { name: 'R2_1', instances: 1, startS: 87076, endS: 87086, planCpu: 50 },
          { name: 'M1', instances: 1, startS: 87076, endS: 87083, planCpu: 50 },
        ],
      },
      {
        name: 'j_4160894',
        tasks: [{ name: 'J10_7_9_Stg4', instances: 69, startS: 348729, endS: 349024, planCpu: 100 }],
      },
      { name: 'j_642358', tasks: [{ name: 'R2_1_Stg8', instances: 39, startS: 675174 }] },
    ])
    expect(graphFromAlibaba((await read(lines))[0]!.tasks).tasks.map(({ cycles }) => cycles)).toEqual([
      12.5e9, 8.75e9,
    ])
  })

  it('holds no more jobs than asked for, and joins rows that lie near each other', async () => {
    const mixed = [
      'M1,1,a,1,T,1,2,100,1',
      'M1,1,b,1,T,1,2,100,1',
      'M2,1,a,1,T,1,2,100,1',
      'M1,1,c,1,T,1,2,100,1',
      'M3,1,a,1,T,1,2,100,1',
    ]
    const shapes = async (openJobs: number) =>
      (await read(mixed, { openJobs })).map(({ name, tasks }) => `${name}${tasks.length}`)
    expect(await shapes(3)).toEqual(['a3', 'b1', 'c1'])
    expect(await shapes(1)).toEqual(['a1', 'b1', 'a1', 'c1', 'a1'])
    let given = 0
    async function* endless() {
      for (;;) yield `M1,1,j_${given++},1,T,1,2,100,1`
    }
    for await (const job of alibabaJobs(endless(), { openJobs: 5 })) {
      expect(given - Number(job.name.slice(2))).toBeLessThanOrEqual(6)
      if (given > 50) break
    }
  })

  it.each([
    ['M1,1,j_1', 'line 2: there are 3 fields, not 9'],
    ['M1,x,j_1,1,T,1,2,100,1', 'line 2: inst_num is "x"'],
    ['M1,,j_1,1,T,1,2,100,1', 'line 2: inst_num is no whole number'],
    ['M1,1,,1,T,1,2,100,1', 'line 2: job_name is empty'],
    [',1,j_1,1,T,1,2,100,1', 'line 2: task_name is empty'],
    ['M1,1,j_1,1,T,-1,2,100,1', 'line 2: start_time is "-1"'],
    ['M1,1,j_1,1,T,1,2,1e9,1', 'line 2: plan_cpu is "1e9"'],
    ['M'.repeat(20_000), 'line 2: it is no line'],
  ])('refuses %.30s', async (line, message) => {
    await expect(read([lines[0]!, line])).rejects.toMatchObject({
      code: 'BAD_TRACE',
      message: expect.stringContaining(message),
    })
  })
})
