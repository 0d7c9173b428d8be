import { parseArgs } from 'node:util'
import type { Command } from '@isthmus/models/cli'
import { holdsAgents } from '../files/index.ts'
import { evaluateAgents } from './evaluate-agents.ts'
import { evaluateAgentsOptions } from './evaluate-agents-options.ts'
import { evaluateFront } from './evaluate-front.ts'
import { evaluateFrontOptions } from './evaluate-front-options.ts'

const evaluateHelp = `Usage: isthmus-policies evaluate DIR [options]

Plays what isthmus-policies train wrote and simple rules on the same episodes, and says how they compare, with 95 % bootstrap
intervals over the episodes in pairs (for fronts: over the sets of seeds). No training uses their seeds.

A policy that follows preferences (train gmorl): the hypervolume of its front with its reference point, and over greedy's.

  --system LIST     systems to play on, such as E=3 or E=1,E=7 (default: those that training is judged on)
  --points N        preferences on the front, from the one end to the other (default 201)
  --seeds N         seed sets, 2 or more (default 10)
  --episodes N      episodes of a seed set (default 100)
  --first-seed N    (default 4000000000, which no training uses)
  --against LIST    rules beside greedy: all (the default), none, or some by name: "least work,static mix"
  --roll-out        the roll-out planner as well, where there is one: far slower than all others together
  --collectors N    threads (default: all cores)
  --svg FILE        draw the fronts
  --json            the same as JSON, fronts included
  --trace PATH      for env split: a recorded link to play on, or a folder of them; may be repeated (default: generated ones)
  --trace-format F  seconds-mbps, ms-kbps, mahimahi or 5g-csv

Agents (train com-ddpg): each figure of their environment, and its ratio to that of agents that look for their own best; the same
agents when messages are lost, random choices, and a central rule that knows everything.

  --episodes N      2 or more (default 20)
  --first-seed N    (default 4000000000, which no training uses)
  --users N         for env dag: any number of agents, whatever they were trained with
  --servers N       for env dag and graph
  --message-loss P  share of messages that get lost, beside none and all of them (default 0.3)
  --json            the same as JSON, episode by episode

Examples:
  isthmus-policies evaluate ./policy --system E=3 --episodes 20 --points 51
  isthmus-policies evaluate ./policy --svg fronts.svg
  isthmus-policies evaluate ./policy --system E=2,E=7 --against none --json
  isthmus-policies evaluate ./agents --users 20 --episodes 40

The tight reference of a front is greedy's own corner in each seed set, so greedy's ends count nothing; the loose one is fixed.`

export const evaluateCommand: Command = {
  name: 'evaluate',
  summary: 'a policy, or agents, beside simple rules, with intervals',
  help: evaluateHelp,
  async run(args, output) {
    const options = { ...evaluateFrontOptions, ...evaluateAgentsOptions }
    const { positionals } = parseArgs({ args: [...args], allowPositionals: true, strict: false, options })
    const isOfAgents = positionals[0] !== undefined && (await holdsAgents(positionals[0]))
    return isOfAgents ? evaluateAgents(args, output) : evaluateFront(args, output)
  },
}
