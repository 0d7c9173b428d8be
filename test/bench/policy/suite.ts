import { meanFront, parameterCountOf } from '@isthmus/policies/gmorl'
import type { Detail, Measurement, Suite, SuiteContext } from '../suite.ts'
import { committedPolicy } from './committed.ts'
import { timesInBrowser, timesInNode } from './decision-times.ts'
import { goldenMaxAbsErr } from './golden.ts'
import { measureHeadRoom } from './hindsight.ts'
import { measureMec } from './learned-mec.ts'
import { measureSplit } from './learned-split.ts'
import { measureLearners } from './learners.ts'
import { measureTable } from './reference-table.ts'
import { measureRules } from './rules-table.ts'
import { measureSimSpeed } from './sim-speed.ts'
import { thinnedFront } from './thinned-front.ts'
import { measureUpdates } from './update-speed.ts'

const FIRST_SEED = 1_000_000
const SYSTEMS = ['E=1', 'E=3', 'E=5', 'E=8'] as const

/** Names of figures have no signs. */
const named = (figure: string, system: string) => `${figure}_${system.replace('=', '')}`

async function measure(context: SuiteContext): Promise<Measurement> {
  const { quick, say } = context
  const episodes = quick ? 100 : 3000
  const table = measureTable(episodes, FIRST_SEED, say)
  const mec = await committedPolicy('mec')
  const split = await committedPolicy('split')
  const simulation = measureSimSpeed(quick)
  const updates = await measureUpdates(mec.policy, context)
  const inNode = timesInNode(mec.policy, quick)
  const inBrowser = await timesInBrowser(mec.policy, quick)
  const learned = await measureMec(mec.policy, context)
  const splitFront = await measureSplit(split.policy, context)
  const rules = measureRules(mec.policy, context)
  const headRoom = await measureHeadRoom(learned.fronts, learned.played, context)
  const learners = await measureLearners(context)
  const unseen = Object.values(learned.unseen).map(({ ratio }) => ratio)
  const bySystem = (figure: string, of: (system: string) => number) =>
    Object.fromEntries(SYSTEMS.map((system) => [named(figure, system), of(system)]))
  return {
    figures: {
      goldenMaxAbsErr: goldenMaxAbsErr(),
      telescopingMaxRelErr: table.telescopingMaxRelErr,
      refTableMaxZ: Math.max(...table.cells.map(({ z }) => z)),
      ...bySystem('hvLoose', (system) => learned.loose[system]!.ratio),
      ...bySystem('hvTight', (system) => learned.tight[system]!.low),
      hvUnseen: Math.min(...unseen),
      hvSplitVsBest: splitFront.ratio.ratio,
      preferenceSpearman: learned.spearman,
      decisionMsP99: typeof inBrowser === 'string' ? inNode.p99 : Math.max(inNode.p99, inBrowser.p99),
      params: parameterCountOf(mec.policy.shape),
      simDecisionsPerSec: simulation.simDecisionsPerSec,
      updateMs: updates.updateMs,
      updateVsTorch: updates.ratio,
      trainMinutes: mec.manifest.training.minutes,
    },
    missing: updates.missing === undefined ? {} : { updateVsTorch: updates.missing },
    peers: {},
    detail: {
      episodes,
      firstSeed: FIRST_SEED,
      table: table.cells.map((cell) => ({ ...cell })),
      simulation: simulation.detail as unknown as Detail,
      updates: updates.detail,
      decisions: {
        node: { ...inNode },
        chromium: typeof inBrowser === 'string' ? inBrowser : { ...inBrowser },
      },
      hypervolume: learned.detail,
      tight: asDetail(learned.tight),
      loose: asDetail(learned.loose),
      unseen: asDetail(learned.unseen),
      split: { best: splitFront.best, ratio: { ...splitFront.ratio }, comparison: splitFront.detail },
      rules: rules.map((row) => ({ ...row })),
      learners: learners.map(({ name, volume, seconds }) => ({ name, volume: { ...volume }, seconds })),
      headRoom: headRoom.map((room) => ({ ...room })),
      fronts: Object.fromEntries(
        learned.fronts.map(({ system, policy, rule }) => [
          system,
          {
            learned: rounded(thinnedFront(meanFront(policy))),
            greedy: rounded(thinnedFront(meanFront(rule))),
          },
        ]),
      ),
      trained: { mec: mec.manifest.training as Detail, split: split.manifest.training as Detail },
    },
    // A few episodes cannot tell three per cent from two: then it has to be better than greedy at all.
    ...(quick && { verdicts: quickVerdicts(learned.tight, splitFront.ratio.ratio, Math.min(...unseen)) }),
  }
}

function quickVerdicts(
  tight: Readonly<Record<string, { readonly ratio: number }>>,
  split: number,
  unseen: number,
): Record<string, string | null> {
  const above = (ratio: number, limit: number) =>
    ratio >= limit ? null : `${ratio.toFixed(4)} in this short run, below ${limit}`
  return {
    ...Object.fromEntries(
      SYSTEMS.map((system) => [named('hvTight', system), above(tight[system]!.ratio, 1)]),
    ),
    hvSplitVsBest: above(split, 1),
    // Three systems of a dozen episodes each: their least has some chance in it.
    hvUnseen: above(unseen, 0.98),
    preferenceSpearman: null,
  }
}

const asDetail = (ratios: Readonly<Record<string, { ratio: number; low: number; high: number }>>): Detail =>
  Object.fromEntries(Object.entries(ratios).map(([system, ratio]) => [system, { ...ratio }]))

const rounded = (front: number[][]): number[][] =>
  front.map((costs) => costs.map((cost) => Number(cost.toPrecision(5))))

const per = (figure: string, meaning: string, atLeast: number): Suite['figures'] =>
  SYSTEMS.map((system) => ({
    name: named(figure, system),
    meaning: `${meaning}, ${system}`,
    target: { atLeast },
    kind: 'result' as const,
  }))

/** Whether the offloading system is the published one, and what a learned policy is worth against the best rules. */
export const policySuite: Suite = {
  name: 'policy',
  meaning: "GMORL's system against published rewards, and one policy for all preferences against greedy-ω",
  figures: [
    {
      name: 'goldenMaxAbsErr',
      meaning: 'worst deviation from the published trajectory and five cases',
      target: { atMost: 1e-8 },
      kind: 'result',
    },
    {
      name: 'telescopingMaxRelErr',
      meaning: 'delay charged in an episode against what its tasks waited, worst',
      target: { atMost: 1e-9 },
      kind: 'result',
    },
    {
      name: 'refTableMaxZ',
      meaning: 'mean sojourn of six rules, 1 to 8 edges, worst deviation in standard errors',
      target: { atMost: 3 },
      kind: 'result',
    },
    ...per('hvLoose', 'hypervolume of one policy over greedy-ω’s, loose reference', 1),
    ...per('hvTight', 'the same with greedy-ω’s corners as reference, lower end of the 95 % interval', 1.03),
    {
      name: 'hvUnseen',
      meaning: 'the same in systems unlike those of training, the least of them',
      target: { atLeast: 1 },
      kind: 'result',
    },
    {
      name: 'hvSplitVsBest',
      meaning: 'split computing on links not trained on: hypervolume over the best rule’s',
      target: { atLeast: 1.05 },
      kind: 'result',
    },
    {
      name: 'preferenceSpearman',
      meaning: 'rank correlation of the weight of delay with delay, weakest system',
      target: { atMost: -0.95 },
      kind: 'result',
    },
    {
      name: 'decisionMsP99',
      meaning: 'a decision among nine servers in Node and, where there is one, in Chromium, the slower, ms',
      target: { atMost: 1 },
      kind: 'speed',
    },
    { name: 'params', meaning: 'numbers of the policy network', target: { atMost: 200_000 }, kind: 'result' },
    {
      name: 'simDecisionsPerSec',
      meaning: 'frames of 10,000 devices simulated in a second of one core',
      target: { atLeast: 1e6 },
      kind: 'speed',
    },
    {
      name: 'updateMs',
      meaning: 'one SAC update of 256 transitions, ms',
      target: { atMost: 4 },
      kind: 'speed',
    },
    {
      name: 'updateVsTorch',
      meaning: 'PyTorch’s time for it over ours',
      target: { atLeast: 1 },
      kind: 'speed',
    },
    {
      name: 'trainMinutes',
      meaning: 'training of the committed policy on two cores, as its manifest says',
      target: { atMost: 60 },
      kind: 'speed',
    },
  ],
  measure,
}
