import { parseArgs } from 'node:util'
import { type Command, usageError } from '@isthmus/models/cli'
import type { Learner } from './learner.ts'
import { comDdpgLearner } from './train-com-ddpg.ts'
import { gmorlLearner } from './train-gmorl.ts'

const learners: readonly Learner[] = [gmorlLearner, comDdpgLearner]
const options = Object.assign({}, ...learners.map((learner) => learner.options)) as Learner['options']

/** The first word of the line that is no option's value. */
function named(args: readonly string[]): string | undefined {
  return parseArgs({ args: [...args], allowPositionals: true, strict: false, options }).positionals[0]
}

const find = (args: readonly string[]): Learner | undefined => {
  const name = named(args)
  return learners.find((learner) => learner.name === name)
}

const width = Math.max(...learners.map(({ name }) => name.length))
const trainHelp = `Usage: isthmus-policies train LEARNER --env NAME --out DIR [options]

Learners:
${learners.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`).join('\n')}

isthmus-policies train LEARNER --help explains one of them. All write the folder DIR, with a checkpoint at the end of each
stage: the same command goes on after the last stage that ended. Ctrl-C stops. Recipe and seed give the weights.

Examples:
  isthmus-policies train gmorl --env mec --quick --out ./policy
  isthmus-policies train com-ddpg --env dag --quick --out ./agents
  isthmus-policies train com-ddpg --help`

export const trainCommand: Command = {
  name: 'train',
  summary: 'train a policy that follows any preference, or agents that talk',
  help: (args) => find(args)?.help ?? trainHelp,
  async run(args, output) {
    const learner = find(args)
    if (learner) return learner.run(args, output)
    const name = named(args)
    const all = learners.map((one) => one.name)
    if (name === undefined) throw usageError(`Name the learner: train ${all.join(' or train ')}.`)
    throw usageError(`No learner "${name}". There are: ${all.join(', ')}.`)
  },
}
