import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'
import { expect, it } from 'vitest'
import { GraphBuilder, writeModel } from '../onnx/index.ts'
import { openSession, openWorkerSession, type Session, type Tensor } from './index.ts'
import { RunGate } from './run-gate.ts'
import { SessionThread, spawnThread } from './session-thread.ts'

/** x·x·…·x, long enough that a run takes many turns of an event loop. */
const slow = (() => {
  const g = new GraphBuilder('power')
  const x = g.input('x', 'float32', ['N', 'N'])
  let y = x
  for (let i = 0; i < 12; i++) y = g.op('MatMul', [y, x])
  g.output(y, 'y', 'float32', ['N', 'N'])
  return writeModel(g.build())
})()

const square = (n: number): Tensor<'float32'> => ({
  dtype: 'float32',
  dims: [n, n],
  data: new Float32Array(n * n),
})

async function turnsDuring(run: Promise<unknown>): Promise<number> {
  let turns = 0
  let running = true
  const count = () => {
    turns++
    if (running) setImmediate(count)
  }
  setImmediate(count)
  await run
  running = false
  return turns
}

it('lets this thread go on while the model runs, which a session on this thread does not', async () => {
  const [here, there] = await Promise.all([openSession(slow), openWorkerSession(slow)])
  const x = square(256)
  // On a busy machine this thread may sleep through a run or two, but not through all of them.
  const most = async (session: Session) => {
    let turns = 0
    for (let run = 0; run < 50 && turns <= 10; run++)
      turns = Math.max(turns, await turnsDuring(session.run({ x })))
    return turns
  }
  expect(await most(here)).toBeLessThanOrEqual(10)
  expect(await most(there)).toBeGreaterThan(10)
  await Promise.all([here.dispose(), there.dispose()])
})

/** A thread that opens a model as the real one does, and then behaves as `onRun` says. */
const thread = (onRun: string): Worker =>
  new Worker(
    `const { parentPort: port } = require('node:worker_threads')
     const spec = [{ name: 'x', dtype: 'float32', dims: ['N', 'N'] }]
     port.on('message', (request) => {
       if (request.open) port.postMessage({ opened: { inputs: spec, outputs: spec } })
       else { ${onRun} }
     })`,
    { eval: true },
  )

it.each([
  ['ends', 'process.exit(3)', /exit code 3/],
  ['fails', 'throw new Error("out of luck")', /out of luck/],
])(
  'rejects what waits and what comes later when the thread %s, and can be disposed of',
  async (_, onRun, message) => {
    const session = await new SessionThread(() => thread(onRun)).open('x.onnx')
    const x = square(2)
    for (const outcome of await Promise.allSettled([session.run({ x }), session.run({ x })])) {
      expect(outcome).toMatchObject({
        status: 'rejected',
        reason: { code: 'WORKER_DIED', retryable: true, message: expect.stringMatching(message) },
      })
    }
    await expect(session.run({ x })).rejects.toMatchObject({ code: 'WORKER_DIED' })
    await session.dispose()
    await expect(session.run({ x })).rejects.toMatchObject({ code: 'SESSION_CLOSED' })
  },
)

it('rejects the opening when the thread ends before the model is loaded', async () => {
  const opening = new SessionThread(() => new Worker('process.exit(4)', { eval: true })).open('x.onnx')
  await expect(opening).rejects.toMatchObject({ code: 'WORKER_DIED' })
})

it('keeps several threads apart', async () => {
  const sessions: Session[] = await Promise.all([1, 2, 3].map(() => openWorkerSession(slow)))
  await sessions[0]!.dispose()
  const { y } = await sessions[2]!.run({ x: { ...square(1), data: Float32Array.of(2) } })
  expect(y?.data).toEqual(Float32Array.of(2 ** 13))
  await Promise.all(sessions.map((session) => session.dispose()))
})

it('runs several models in one thread, which ends with the last of them and begins again', async () => {
  let spawned = 0
  const workers: Worker[] = []
  const shared = new SessionThread(() => {
    spawned++
    const worker = spawnThread()
    workers.push(worker)
    return worker
  })
  const [one, other] = await Promise.all([shared.open(slow), shared.open(slow)])
  await expect(shared.open(Uint8Array.of(1, 2, 3))).rejects.toMatchObject({ code: 'MODEL_UNREADABLE' })
  expect(spawned).toBe(1)
  const x = { ...square(1), data: Float32Array.of(2) }
  await one.dispose()
  await expect(one.run({ x })).rejects.toMatchObject({ code: 'SESSION_CLOSED' })
  expect((await other.run({ x })).y?.data).toEqual(Float32Array.of(2 ** 13))
  await other.dispose()
  expect(workers[0]!.threadId).toBe(-1)
  const next = await shared.open(slow)
  expect(spawned).toBe(2)
  await workers[1]!.terminate()
  await expect(next.run({ x })).rejects.toMatchObject({ code: 'WORKER_DIED' })
  const after = await shared.open(slow)
  expect((await after.run({ x })).y?.data).toEqual(Float32Array.of(2 ** 13))
  await Promise.all([next.dispose(), after.dispose()])
})

it('keeps a thread without a session when it is told to, until it may end', async () => {
  const workers: Worker[] = []
  const shared = new SessionThread(() => {
    const worker = spawnThread()
    workers.push(worker)
    return worker
  })
  await shared.letEnd()
  shared.keep()
  const x = { ...square(1), data: Float32Array.of(2) }
  for (let time = 0; time < 2; time++) {
    const session = await shared.open(slow)
    expect((await session.run({ x })).y?.data).toEqual(Float32Array.of(2 ** 13))
    await session.dispose()
  }
  expect(workers).toHaveLength(1)
  await shared.letEnd()
  expect(workers[0]!.threadId).toBe(-1)
  const next = await shared.open(slow)
  await shared.letEnd()
  expect((await next.run({ x })).y?.data).toEqual(Float32Array.of(2 ** 13))
  await next.dispose()
  expect(workers.map(({ threadId }) => threadId)).toEqual([-1, -1])
})

it.each(['two ask for it at once', 'its last session is being disposed of', 'it has failed'])(
  'has ended a kept thread when it says so, also where %s',
  async (when) => {
    const worker = spawnThread()
    const shared = new SessionThread(() => worker)
    shared.keep()
    const session = await shared.open(slow)
    if (when === 'two ask for it at once') {
      await session.dispose()
      void shared.letEnd()
    } else if (when === 'it has failed') {
      await session.dispose()
      void worker.terminate()
    } else {
      const letGo = shared.letEnd()
      void session.dispose()
      await letGo
    }
    await shared.letEnd()
    expect(worker.threadId).toBe(-1)
  },
)

it('ends a thread whose only model did not open', async () => {
  const worker = spawnThread()
  const ended = new Promise((resolve) => worker.once('exit', resolve))
  const opening = new SessionThread(() => worker).open(Uint8Array.of(1, 2, 3))
  await expect(opening).rejects.toMatchObject({ code: 'MODEL_UNREADABLE' })
  expect(await ended).toBe(0)
})

const program = (body: string): string => `
  import { openWorkerSession } from ${JSON.stringify(new URL('./index.js', import.meta.url).href)}
  const session = await openWorkerSession(Uint8Array.from(${JSON.stringify([...slow])}))
  const square = (n) => ({ dtype: 'float32', dims: [n, n], data: new Float32Array(n * n) })
  ${body}`

it.each([
  [
    'an idle session does not keep the process alive',
    'await session.run({ x: square(1) }); console.log("end")',
    'end\n',
  ],
  ['a run does', 'session.run({ x: square(1) }).then(() => console.log("answered"))', 'answered\n'],
  [
    'nor does a thread that is kept',
    `const { SessionThread } = await import(${JSON.stringify(new URL('./session-thread.js', import.meta.url).href)})
     const thread = new SessionThread()
     thread.keep()
     const kept = await thread.open(Uint8Array.from(${JSON.stringify([...slow])}))
     await kept.run({ x: square(1) })
     await kept.dispose()
     await session.dispose()
     console.log("end")`,
    'end\n',
  ],
  [
    'and so does the wait for its end',
    'session.run({ x: square(1) }); await session.dispose(); console.log("disposed")',
    'disposed\n',
  ],
  [
    'a program may leave in the middle of a run',
    'session.run({ x: square(800) }); setTimeout(() => { console.log("leave"); process.exit(0) }, 30)',
    'leave\n',
  ],
])('%s', async (_, body, expected) => {
  const run = promisify(execFile)(process.execPath, ['--input-type=module', '-e', program(body)], {
    timeout: 20_000,
  })
  expect((await run).stdout).toBe(expected)
})

it('keeps a thread from computing once its gate is shut, and waits for one that computes', () => {
  const owner = new RunGate()
  const inThread = new RunGate(owner.memory)
  expect(owner.shut(0)).toBe(false)
  inThread.leave()
  expect(inThread.enter()).toBe(true)
  expect(owner.shut(0)).toBe(false)
  inThread.leave()
  expect(owner.shut(0)).toBe(true)
  expect(inThread.enter()).toBe(false)
})
