export { FairQueue, type FairQueueOptions, type FairQueueState, type Upload } from './fair-queue.ts'
export {
  type Candidate,
  FAIRNESS,
  FamilyLearner,
  judgeSettings,
  type LearnerOptions,
  type LearnerState,
  type LearnReport,
  type Probe,
} from './family-learner.ts'
export { FleetStatistics, type FleetStatisticsOptions } from './fleet-statistics.ts'
export { type GuardLimits, guardLimits, judgeCandidate } from './model-guard.ts'
export { ImageAnswers, type Judgement, type JudgeSettings } from './sample-judge.ts'
