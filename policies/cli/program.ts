import type { Program } from '@isthmus/models/cli'
import { evaluateCommand } from './evaluate-command.ts'
import { trainCommand } from './train-command.ts'

export const program: Program = {
  name: 'isthmus-policies',
  purpose: 'train policies that decide where work goes, and measure them against simple rules',
  commands: [trainCommand, evaluateCommand],
  start: `See it work in some minutes:
  isthmus-policies train gmorl --env mec --quick --out ./policy
  isthmus-policies evaluate ./policy --system E=3 --episodes 20 --points 51

Agents that talk, in a minute:
  isthmus-policies train com-ddpg --env dag --quick --out ./agents
  isthmus-policies evaluate ./agents`,
}
