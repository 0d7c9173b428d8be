export { type GradientError, gradientErrors } from './gradient-check.ts'
