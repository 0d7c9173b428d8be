import { IsthmusError } from '@isthmus/proto'

/** Every error that `@isthmus/policies` throws on purpose, and what to do next. */
export const policyErrors = {
  NO_MODES: 'Give the policy at least one mode that the device can run.',
  BAD_OBSERVATION: 'Correct what the policy was given; the message names it.',
  BAD_LOG: 'Give the log as it was published, one JSON object a line; the message names the line.',
  BAD_OPTION: 'Correct the option that is named.',
  BAD_TRACE: 'Correct the trace at the line and field that are named, or give the format that it has.',
  BAD_POINTS: 'Give finite points with one value for each objective; the message names the one.',
  BAD_ACTION:
    'Choose among the actions that are valid now: validActions() marks them, the message names the others.',
  BAD_PREFERENCE: 'Give one weight from 0 to 1 for each objective; together they are 1.',
  GRAPH_CYCLE: 'Take one of the named edges out: a task cannot wait for itself.',
  GRAPH_UNKNOWN_TASK: 'Add the task that is named, or correct the name in "after".',
  GRAPH_DUPLICATE_TASK: 'Give each task of a graph a name of its own.',
  BAD_GRAPH: 'Correct the field of the graph that is named.',
  BAD_PLATFORM: 'Correct the field of the platform that is named.',
  NO_HOST: 'Give a host and links that can run the task that is named.',
  EPISODE_OVER: 'Call reset() to begin the next episode.',
  TRAINING_STOPPED: 'Start it again with the same folder: it goes on after the last stage that ended.',
  BAD_POLICY: 'Take the policy folder as it was exported; train again for another version.',
  BAD_RECIPE:
    'Correct the field of the recipe that is named; docs/training-policies.md and docs/training-agents.md say what each is.',
  POLICY_UNREADABLE: 'Give the folder that isthmus-policies train wrote; the message names the file.',
  POLICY_CHANGED: 'Export the policy again: a file is not the one that its manifest was written for.',
  POLICY_VERSION: 'Use the Isthmus that trained the policy, or train it again with this one.',
  COLLECTOR_DIED: 'Start the training again with the same folder: it goes on from its last checkpoint.',
} as const

/** Those that may go away by trying again. */
export const retryablePolicyErrors: ReadonlySet<keyof typeof policyErrors> = new Set([
  'TRAINING_STOPPED',
  'COLLECTOR_DIED',
])

export function policyError(code: keyof typeof policyErrors, message: string): IsthmusError {
  return new IsthmusError(code, message, { retryable: retryablePolicyErrors.has(code) })
}
