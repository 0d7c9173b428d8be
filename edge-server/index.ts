export type { EdgeConfig, EdgeConfigInput } from './config/schema.ts'
export { type EdgeErrorCode, edgeErrors } from './errors.ts'
export type { EdgeMetrics } from './metrics.ts'
export { type EdgeOptions, type EdgePorts, type EdgeServer, startEdge } from './server.ts'
