export type { Family, RateTier } from './family.ts'
export { type FineTuning, fineTuningOptimizer, fineTuningStep } from './fine-tuning-step.ts'
export { imitationOptimizer, imitationStep } from './imitation-step.ts'
export { rateFeeds } from './rate-feeds.ts'
