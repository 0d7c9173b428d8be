import { createHash } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { cpus } from 'node:os'
import { join } from 'node:path'
import type { Output } from '@isthmus/models/cli'
import { type Checkpoint, loadCheckpoint, saveCheckpoint } from '@isthmus/models/train'
import { IsthmusError } from '@isthmus/proto'
import { policyError } from '../errors.ts'

/** A training of several stages that keeps its checkpoint in its folder. */
export interface StagedTraining {
  readonly learner: string
  /** The folder, which is made where it is missing. */
  readonly out: string
  /** All that the weights depend on: a checkpoint of another recipe is refused. */
  readonly recipe: object
  readonly stages: number
}

/** What a training that keeps checkpoints is given. */
export interface StagedContext {
  /** Of the last stage that ended; `step` counts stages. */
  readonly before: Checkpoint | undefined
  /** Aborted at Ctrl-C. */
  readonly signal: AbortSignal
  /** Writes the checkpoint. */
  stageEnded(stagesDone: number, weights: ReadonlyMap<string, Float32Array>): Promise<void>
}

/**
 * Trains from the last stage that ended on. Throws IsthmusError `TRAINING_STOPPED` at Ctrl-C, and for a checkpoint that is damaged or of
 * another training.
 */
export async function trainInStages<T>(
  { learner, out, recipe, stages }: StagedTraining,
  output: Output,
  train: (context: StagedContext) => Promise<T>,
): Promise<{ trained: T; elapsedS: number }> {
  // A folder that cannot be written is better found before the training than after.
  await mkdir(out, { recursive: true })
  const file = checkpointIn(out)
  const identity = `${learner} ${createHash('sha256').update(JSON.stringify(recipe)).digest('hex')}`
  const before = await checkpointOf(file, identity)
  if (before) output.print(`Going on from ${file}: stage ${before.step} of ${stages} has ended.`)
  const startedMs = performance.now()
  const elapsedS = () => (before?.elapsedS ?? 0) + (performance.now() - startedMs) / 1000
  let ended = before?.step ?? 0
  const stop = new AbortController()
  const onSignal = () => stop.abort()
  process.once('SIGINT', onSignal)
  try {
    const trained = await train({
      before,
      signal: stop.signal,
      async stageEnded(stagesDone, weights) {
        const state = Object.fromEntries(weights)
        await saveCheckpoint(file, { step: stagesDone, identity, state, elapsedS: elapsedS() })
        ended = stagesDone
      },
    })
    return { trained, elapsedS: elapsedS() }
  } catch (error) {
    if (!stop.signal.aborted) throw error
    const next =
      ended > 0
        ? `The same command goes on after stage ${ended} of ${stages}.`
        : 'No stage had ended: the same command begins anew.'
    throw policyError('TRAINING_STOPPED', `Stopped. ${next}`)
  } finally {
    process.off('SIGINT', onSignal)
  }
}

const checkpointIn = (out: string): string => join(out, 'checkpoint')

async function checkpointOf(file: string, identity: string): Promise<Checkpoint | undefined> {
  try {
    return await loadCheckpoint(file, identity)
  } catch (error) {
    if (!(error instanceof IsthmusError)) throw error
    const hint = 'It is of another recipe, seed or problem, or damaged: choose another --out, or delete it.'
    throw new IsthmusError(error.code, `${error.message} ${hint}`, { cause: error })
  }
}

/** Checks weights of a checkpoint. Throws IsthmusError `POLICY_VERSION` for what `check` refuses. */
export function checkResumed(out: string, check: () => void): void {
  try {
    check()
  } catch (error) {
    throw policyError(
      'POLICY_VERSION',
      `${checkpointIn(out)}: ${(error as Error).message}; another Isthmus wrote it: choose another --out, or delete it.`,
    )
  }
}

/** What a training ran on, for manifests. */
export function thisMachine(): string {
  const cores = cpus()
  return `${cores[0]?.model ?? process.arch}, ${cores.length} cores, Node ${process.versions.node}`
}
