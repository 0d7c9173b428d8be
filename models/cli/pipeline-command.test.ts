import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { GraphBuilder } from '../onnx/builder.ts'
import { writeModel } from '../onnx/write.ts'
import { loadPipeline } from '../pipeline/load.ts'
import { runCli } from './run.ts'

let dir: string
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'isthmus-pipeline-cli-'))
  const graph = new GraphBuilder('double')
  graph.output(graph.op('Mul', [graph.input('x', 'float32', ['N', 2]), graph.scalar(2)]), 'y')
  writeFileSync(join(dir, 'double.onnx'), writeModel(graph.build()))
})
afterAll(() => rmSync(dir, { recursive: true }))

async function pipeline(json: object) {
  writeFileSync(join(dir, 'pipeline.json'), JSON.stringify(json))
  const said: string[] = []
  const output = { print: (text: string) => said.push(text), warn: (text: string) => said.push(text) }
  return { code: await runCli(['pipeline', dir], output), said: said.join('\n') }
}

const draft = {
  name: 'twice',
  version: '1.0.0',
  inputs: { x: { dims: [3, 2] } },
  stages: [
    { id: 'one', model: 'double.onnx', inputs: { x: 'input.x' } },
    { id: 'two', model: 'double.onnx', inputs: { x: 'one.y' } },
  ],
  outputs: { y: 'two.y' },
}

it('completes what the user wrote, tells what it found, and leaves a pipeline that loads', async () => {
  const { code, said } = await pipeline(draft)
  expect(code).toBe(0)
  expect(said).toMatch(/^twice@1\.0\.0, key [0-9a-f]{8}$/m)
  expect(said).toMatch(/one: input\.x → y float32 \[3, 2\]/)
  expect((await loadPipeline(dir)).id).toBe('twice@1.0.0')
})

it('tells the smallest part of a stage that is divisible', async () => {
  const { said } = await pipeline({
    ...draft,
    stages: [{ ...draft.stages[0], divisible: true }, draft.stages[1]],
  })
  expect(said).toMatch(/one: .* multiply-adds; divisible, 1 to 2 of 3 rows$/m)
  expect(said).toMatch(/two: .* multiply-adds$/m)
})

it('what is wrong is one line that names it, and the file stays as it was', async () => {
  const wrong = { ...draft, stages: [draft.stages[0], { ...draft.stages[1], inputs: { x: 'oen.y' } }] }
  const { code, said } = await pipeline(wrong)
  expect(code).toBe(1)
  expect(said).toMatch(/'oen\.y'.*no such stage/)
  expect(JSON.parse(readFileSync(join(dir, 'pipeline.json'), 'utf8'))).toEqual(wrong)
})
