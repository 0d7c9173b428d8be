import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { ProblemSpec } from '../gmorl/index.ts'
import { chooseProblem, formOf, judgedOn } from './problem-options.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'isthmus-traces-'))
  await mkdir(join(folder, 'links'))
  await writeFile(join(folder, 'links', 'a.txt'), '0 1.5\n1 2\n2 0.5\n')
  await writeFile(join(folder, 'links', 'b.up'), '3\n40\n41\n900\n')
  await writeFile(join(folder, 'dead.txt'), '0 0\n1 0\n')
  await writeFile(join(folder, 'c.csv'), 'time,DL_bitrate\n0,800\n1,900\n')
})
afterAll(() => rm(folder, { recursive: true }))

it('takes recorded links of a folder or a file, each in its format', async () => {
  const trace = [join(folder, 'links'), join(folder, 'c.csv')]
  const { form, spec, problem } = await chooseProblem(formOf('split'), { trace })
  expect(form).toMatchObject({
    env: 'split',
    traces: [{ file: 'a.txt' }, { file: 'b.up' }, { file: 'c.csv' }],
  })
  const { traces = [] } = spec as Extract<ProblemSpec, { env: 'split' }>
  expect([...traces[0]!.rateBps]).toEqual([1.5e6, 2e6, 0.5e6])
  expect(traces[1]!.durationS).toBe(0.9)
  expect([...traces[2]!.rateBps]).toEqual([8e5, 9e5])
  expect(problem.name).toBe('split')
  // The same files again are the same problem, others are not; judging needs none.
  await expect(chooseProblem(form, { trace })).resolves.toMatchObject({ form })
  await expect(chooseProblem(form, { trace: trace.slice(1) })).rejects.toMatchObject({
    code: 'BAD_USAGE',
    message: expect.stringContaining('a.txt, b.up, c.csv'),
  })
  expect(judgedOn(form, [])).toEqual({ env: 'split' })
})

it('names file and line of a link that is none, and a format that there is not', async () => {
  const trace = [join(folder, 'c.csv')]
  await expect(chooseProblem(formOf('split'), { trace, 'trace-format': 'ms-kbps' })).rejects.toMatchObject({
    code: 'BAD_TRACE',
    message: expect.stringMatching(/c\.csv, line 1/),
  })
  await expect(chooseProblem(formOf('split'), { trace: [join(folder, 'dead.txt')] })).rejects.toMatchObject({
    code: 'BAD_TRACE',
    message: expect.stringMatching(/dead\.txt: all rates are 0/),
  })
  await expect(chooseProblem(formOf('split'), { trace, 'trace-format': 'pcap' })).rejects.toMatchObject({
    code: 'BAD_USAGE',
    message: expect.stringContaining('mahimahi'),
  })
  await expect(chooseProblem(formOf('split'), { trace: [join(folder, 'nowhere')] })).rejects.toMatchObject({
    code: 'ENOENT',
  })
})
