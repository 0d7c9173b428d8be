export type { CollectorJob, PolicyNetwork } from './collect/collector-jobs.ts'
export { Collectors } from './collect/collectors.ts'
export type { CandidateEncoding } from './encoding/candidate-encoding.ts'
export { Encoder } from './encoding/encoder.ts'
export { encodingOf } from './encoding/encodings.ts'
export { mecCandidates } from './encoding/mec-candidates.ts'
export { samplePreference, weigh } from './encoding/preference.ts'
export { Teacher, type TeacherOptions } from './imitation/teacher.ts'
export {
  compareFronts,
  type FrontComparison,
  type FrontQuestion,
  type FrontSettings,
} from './judge/compare-fronts.ts'
export {
  cornerOf,
  frontSize,
  meanFront,
  preferenceSpearman,
  utilityOf,
  type VolumeRatio,
  volumeBelow,
  volumeRatio,
} from './judge/front-figures.ts'
export { type Judged, type JudgeOptions, judge } from './judge/judge.ts'
export { checkShape, LearnedPolicy, MOST_CANDIDATES } from './network/learned-policy.ts'
export { type FeatureRange, type PolicyManifest, parsePolicyManifest } from './network/policy-manifest.ts'
export { networkOf, policyModel } from './network/policy-model.ts'
export { collectSeen, type SeenOptions, type SeenRange, seenRange } from './network/seen-range.ts'
export {
  checkNetwork,
  initialWeights,
  parameterCountOf,
  type SetNetworkShape,
  type SetNetworkWeights,
  weightDims,
  weightsOf,
} from './network/set-network.ts'
export { SetScorer } from './network/set-scorer.ts'
export { collectEpisodes, type Episodes } from './play/episodes.ts'
export { ReplayBuffer, type TransitionBatch } from './play/replay-buffer.ts'
export { type Heuristic, type Problem, type ProblemSpec, problemOf } from './problems/index.ts'
export type { GmorlProgress } from './progress.ts'
export type { GmorlRecipe, ImitationStage, SacStage, Stage } from './recipe/recipe.ts'
export { type ProblemForm, parseRecipe, type RecipeForm, type TraceForm } from './recipe/recipe-form.ts'
export { defaultRecipe, quickRecipe } from './recipe/recipes.ts'
export { CRITICS, compileSac, type SacOptions, sacOptimizer, targetOf } from './sac/discrete-sac.ts'
export { SacLearner, type SacLearnerOptions } from './sac/sac-learner.ts'
export { type GmorlTraining, tightRatio, trainGmorl } from './train-gmorl.ts'
