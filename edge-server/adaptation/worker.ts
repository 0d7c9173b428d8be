import { parentPort, workerData } from 'node:worker_threads'
import { readModel } from '@isthmus/models/onnx'
import { FamilyLearner } from './family-learner.ts'
import { type FoundState, findState, saveState } from './learner-state.ts'
import type { FromLearner, LearnerAnswers, LearnerSetup, LearnerTask, ToLearner } from './messages.ts'

// The thread that learns for one family: it holds the networks, does one task after another, and answers each.

const port = parentPort!
const setup = workerData as LearnerSetup
const say = (message: FromLearner) => port.postMessage(message)

const options = {
  ...setup,
  student: readModel(setup.student),
  foundation: readModel(setup.foundation),
}

/** A state that does not fit the networks after all is treated as one that is damaged. */
async function openLearner(): Promise<{ learner: FamilyLearner; found: FoundState }> {
  const found = await findState(setup.statePath, setup.lineage)
  if (!found.state) return { learner: await FamilyLearner.open(options), found }
  try {
    return { learner: await FamilyLearner.open(options, found.state.learner), found }
  } catch (error) {
    const detail = `${setup.statePath}: ${(error as Error).message}`
    return {
      learner: await FamilyLearner.open(options),
      found: { found: 'damaged', detail, state: undefined },
    }
  }
}

const { learner, found } = await openLearner()

async function answer(task: LearnerTask): Promise<LearnerAnswers[LearnerTask['kind']]> {
  switch (task.kind) {
    case 'learn':
      return learner.learn(task.uploads, task.nowMs, task.statistics)
    case 'candidate':
      return learner.candidate()
    case 'rollBack':
      return learner.rollBack(task.version)
    case 'save': {
      const startMs = performance.now()
      const { statePath, lineage, keepsPixels } = setup
      const state = { lineage, learner: learner.state(keepsPixels), intake: task.intake }
      return { bytes: await saveState(statePath, state), ms: performance.now() - startMs }
    }
  }
}

async function obey(message: ToLearner): Promise<void> {
  if (message.kind === 'published') return learner.published(message.version)
  if (message.kind === 'close') {
    await learner.dispose()
    port.close()
    return
  }
  const { id, task } = message
  try {
    say({ kind: 'done', id, answer: await answer(task) })
  } catch (error) {
    // A step that broke off halfway has left networks that nobody knows.
    if (task.kind === 'learn') await learner.fallBack()
    say({ kind: 'failed', id, detail: error instanceof Error ? error.message : String(error) })
  }
}

let last: Promise<void> = Promise.resolve()
port.on('message', (message: ToLearner) => {
  last = last.then(() => obey(message))
})

say({ kind: 'ready', found: found.found, detail: found.detail, intake: found.state?.intake })
