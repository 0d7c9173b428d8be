import type { Output } from '@isthmus/models/cli'
import type { RoundProblemSpec } from '../com-ddpg/index.ts'
import { loadAgents } from '../files/index.ts'
import { figureReports, formatFigure, type Played } from './agents-report.ts'
import { contestOf, type EpisodeFigures } from './contestants.ts'
import { readEvaluateAgentsOptions } from './evaluate-agents-options.ts'
import { resized } from './train-com-ddpg-options.ts'

/** Plays agents beside simple rules; as a command runs. */
export async function evaluateAgents(args: readonly string[], output: Output): Promise<number> {
  const options = readEvaluateAgentsOptions(args)
  const { episodes, firstSeed, messageLoss } = options
  const { manifest, network } = await loadAgents(options.folder)
  const problem = resized(manifest.training.recipe.problem, options)
  const { yardstick, contestants } = contestOf(problem, network, messageLoss)
  if (!options.json) {
    output.print(`${manifest.name}: ${sizeOf(problem)}, ${episodes} episodes, first seed ${firstSeed}`)
  }
  const played: Played[] = []
  for (const { name, play } of contestants) {
    const figures: EpisodeFigures[] = []
    for (let episode = 0; episode < episodes; episode++) {
      figures.push(play(firstSeed + episode))
      output.progress?.(`playing: ${name}`, episode + 1, episodes)
    }
    played.push({ name, episodes: figures })
  }
  const reports = figureReports(played, yardstick)
  if (options.json) {
    const agents = { name: manifest.name, sha256: manifest.weights.sha256 }
    output.print(
      JSON.stringify({ agents, problem, episodes, firstSeed, messageLoss, figures: reports }, undefined, 2),
    )
    return 0
  }
  for (const report of reports) output.print(`\n${formatFigure(report)}`)
  return 0
}

function sizeOf(problem: RoundProblemSpec): string {
  if (problem.env === 'herding') return 'herding'
  const servers = `${problem.servers ?? (problem.env === 'dag' ? 4 : 3)} servers`
  return problem.env === 'dag' ? `dag, ${problem.users ?? 8} users and ${servers}` : `graph, ${servers}`
}
