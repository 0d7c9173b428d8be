export type { CandidateEncoding } from './candidate-encoding.ts'
export type { CollectorJob, PolicyNetwork } from './collector-jobs.ts'
export { Collectors } from './collectors.ts'
export {
  compareFronts,
  type FrontComparison,
  type FrontQuestion,
  type FrontSettings,
} from './compare-fronts.ts'
export { CRITICS, compileSac, type SacOptions, sacOptimizer, targetOf } from './discrete-sac.ts'
export { Encoder } from './encoder.ts'
export { encodingOf } from './encodings.ts'
export { collectEpisodes, type Episodes } from './episodes.ts'
export {
  cornerOf,
  frontSize,
  meanFront,
  preferenceSpearman,
  utilityOf,
  type VolumeRatio,
  volumeBelow,
  volumeRatio,
} from './front-figures.ts'
export { type Judged, type JudgeOptions, judge } from './judge.ts'
export { checkShape, LearnedPolicy, MOST_CANDIDATES } from './learned-policy.ts'
export { mecCandidates } from './mec-candidates.ts'
export { type FeatureRange, type PolicyManifest, parsePolicyManifest } from './policy-manifest.ts'
export { networkOf, policyModel } from './policy-model.ts'
export { samplePreference, weigh } from './preference.ts'
export { type Heuristic, type Problem, type ProblemSpec, problemOf } from './problems/index.ts'
export type { GmorlProgress } from './progress.ts'
export type { GmorlRecipe, ImitationStage, SacStage, Stage } from './recipe.ts'
export { type ProblemForm, parseRecipe, type RecipeForm, type TraceForm } from './recipe-form.ts'
export { defaultRecipe, quickRecipe } from './recipes.ts'
export { ReplayBuffer, type TransitionBatch } from './replay-buffer.ts'
export { SacLearner, type SacLearnerOptions } from './sac-learner.ts'
export { collectSeen, type SeenOptions, type SeenRange, seenRange } from './seen-range.ts'
export {
  checkNetwork,
  initialWeights,
  parameterCountOf,
  type SetNetworkShape,
  type SetNetworkWeights,
  weightDims,
  weightsOf,
} from './set-network.ts'
export { SetScorer } from './set-scorer.ts'
export { Teacher, type TeacherOptions } from './teacher.ts'
export { type GmorlTraining, tightRatio, trainGmorl } from './train-gmorl.ts'
