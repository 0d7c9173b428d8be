import { writeFile } from 'node:fs/promises'
import type { Output } from '@isthmus/models/cli'
import { RandomStream } from '../env/index.ts'
import { policyError } from '../errors.ts'
import { loadPolicy, type PolicyFolder } from '../files/index.ts'
import { Collectors, compareFronts, type Problem, parseRecipe } from '../gmorl/index.ts'
import { type EvaluateFrontOptions, readEvaluateFrontOptions } from './evaluate-front-options.ts'
import { formatReport, reportOf, type SystemReport } from './front-report.ts'
import { frontsSvg } from './front-svg.ts'
import { type ChosenProblem, chooseProblem, judgedOn, systemsOf } from './problem-options.ts'

/** Plays a policy that follows preferences beside simple rules; as a command runs. */
export async function evaluateFront(args: readonly string[], output: Output): Promise<number> {
  const options = readEvaluateFrontOptions(args)
  const folder = await loadPolicy(options.folder)
  const chosen = await problemOfPolicy(folder, options)
  const { problem } = chosen
  const systems = systemsOf(problem, options.systems)
  const against = rulesOf(problem, options)
  // A grid that is drawn is the same at every evaluation.
  const preferences = problem.grid(options.points, new RandomStream(GRID_SEED))
  const { points, sets, episodes, firstSeed } = options
  if (!options.json) {
    output.print(
      `${folder.manifest.name}: ${points} preferences, ${sets} seed sets of ${episodes} episodes, first seed ${firstSeed}`,
    )
  }
  const reports: SystemReport[] = []
  const collectors = new Collectors(chosen.spec, options.collectors)
  try {
    for (const system of systems) {
      const comparison = await compareFronts({
        problem,
        collectors,
        policy: folder.network,
        system,
        preferences,
        sets,
        episodes,
        firstSeed,
        against,
        onProgress: (done, total) => output.progress?.(`playing ${system}`, done, total),
      })
      const report = reportOf(problem, comparison, preferences)
      reports.push(report)
      if (!options.json) output.print(`\n${formatReport(report)}`)
    }
  } finally {
    await collectors.dispose()
  }
  if (options.json) output.print(json(folder, options, reports))
  await draw(reports, options, output)
  return 0
}

const GRID_SEED = 201

/** The problem that a policy was trained for, with the systems that are asked for. */
async function problemOfPolicy(
  { manifest, encoding }: PolicyFolder,
  { systems, traces }: EvaluateFrontOptions,
): Promise<ChosenProblem> {
  const { problem: form } = parseRecipe(manifest.training.recipe)
  if (!form) throw policyError('BAD_POLICY', 'manifest: training.recipe.problem is missing')
  const chosen = await chooseProblem(judgedOn(form, systems), traces)
  if (chosen.problem.encoding.version === encoding.version) return chosen
  throw policyError(
    'BAD_POLICY',
    `manifest: encoding is ${encoding.version}, but ${form.env} needs ${chosen.problem.encoding.version}`,
  )
}

function rulesOf({ heuristics }: Problem, { against, rollOut }: EvaluateFrontOptions): string[] {
  const names = against ?? [...heuristics].filter(([, { slow }]) => !slow).map(([name]) => name)
  if (!rollOut || names.includes('roll-out') || !heuristics.has('roll-out')) return [...names]
  return [...names, 'roll-out']
}

async function draw(
  reports: readonly SystemReport[],
  { svg, json: isJson }: EvaluateFrontOptions,
  output: Output,
): Promise<void> {
  if (svg === undefined) return
  await writeFile(svg, frontsSvg(reports))
  if (!isJson) output.print(`\nFronts: ${svg}`)
}

function json(
  { manifest }: PolicyFolder,
  { points, sets, episodes, firstSeed }: EvaluateFrontOptions,
  systems: readonly SystemReport[],
): string {
  const policy = { name: manifest.name, sha256: manifest.model.sha256 }
  return JSON.stringify({ policy, points, sets, episodes, firstSeed, systems }, undefined, 2)
}
