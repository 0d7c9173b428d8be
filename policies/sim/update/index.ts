export type {
  FleetUpdateOptions,
  Gateways,
  Sleep,
  UpdatedDevices,
  UpdateFamily,
} from './update-options.ts'
export type { FleetUpdateResult } from './update-result.ts'
export { simulateUpdate } from './update-simulation.ts'
