import { describe, expect, it } from 'vitest'
import type { TrainingProgress } from './progress.ts'
import { runInThread } from './thread.ts'

const task = (body: string): URL =>
  new URL(
    `data:text/javascript,${encodeURIComponent(`export default async (input, context) => { ${body} }`)}`,
  )

const progress: TrainingProgress = {
  phase: 'p',
  step: 1,
  steps: 2,
  loss: 3,
  itemsPerSecond: 4,
  secondsLeft: 5,
}

describe('runInThread', () => {
  it('hands over input, progress and output', async () => {
    const seen: TrainingProgress[] = []
    const module = task('context.onProgress(input.progress); return input.progress.step + 1')
    const output = await runInThread<number>(
      module,
      { progress },
      { onProgress: (report) => seen.push(report) },
    )
    expect(output).toBe(2)
    expect(seen).toEqual([progress])
  })

  it('passes on the code of an error', async () => {
    const proto = import.meta.resolve('@isthmus/proto')
    const module = task(
      `const { IsthmusError } = await import('${proto}'); throw new IsthmusError('TRAINING_DIVERGED', 'the loss is NaN')`,
    )
    await expect(runInThread(module, {})).rejects.toMatchObject({ code: 'TRAINING_DIVERGED' })
  })

  it('tells the task to stop, and waits for it', async () => {
    const controller = new AbortController()
    const module = task(
      "context.onProgress(input); await new Promise((stop) => context.signal.addEventListener('abort', stop)); return 'stopped'",
    )
    const output = runInThread<string>(module, progress, {
      signal: controller.signal,
      onProgress: () => controller.abort(),
    })
    expect(await output).toBe('stopped')
  })

  it('tells the task to stop also when that was asked for before it began', async () => {
    const module = task(
      "await new Promise((stop) => context.signal.aborted ? stop() : context.signal.addEventListener('abort', stop)); return 'stopped'",
    )
    expect(await runInThread<string>(module, {}, { signal: AbortSignal.abort() })).toBe('stopped')
  })

  it('says so when the thread dies', async () => {
    await expect(runInThread(task('process.exit(3)'), {})).rejects.toMatchObject({ code: 'WORKER_DIED' })
  })
})
