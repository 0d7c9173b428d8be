import { policyError } from '../../errors.ts'
import type { Policy } from '../../plan.ts'
import type { FleetSimulation } from './fleet-simulation.ts'

/** Decides for all devices of a fleet, frame by frame. May hold state, does no I/O. */
export interface FleetPolicy {
  readonly name: string
  /** A run begins. */
  begin?(fleet: FleetSimulation): void
  /** Index among `fleet.candidates` for the frame that `device` has at `fleet.nowS`. `fleet.observe(device)` tells what it knows. */
  decide(fleet: FleetSimulation, device: number): number
}

/** Every frame in one mode, the devices dealt out among the servers. Throws IsthmusError `BAD_OPTION` for a mode that is not there. */
export function sameMode(mode: number): FleetPolicy {
  let actions = new Int32Array(0)
  return {
    name: `mode-${mode}`,
    begin(fleet) {
      const fits = [...fleet.candidates.keys()].filter((at) => fleet.candidates[at]!.mode.mode === mode)
      if (fits.length === 0) throw policyError('BAD_OPTION', `fleet: there is no mode ${mode}`)
      actions = Int32Array.from(fits)
    },
    decide: (_, device) => actions[device % actions.length]!,
  }
}

/**
 * The decision code of a real device, one instance for each, connected to one server as real ones are: the devices are dealt out among
 * them. Throws IsthmusError `BAD_ACTION` for a plan whose mode is not in the table.
 */
export function devicePolicies(name: string, make: () => Policy): FleetPolicy {
  let policies: (Policy | undefined)[] = []
  /** Candidates of each server. */
  let actions: number[][] = []
  return {
    name,
    begin({ candidates, devices }) {
      policies = new Array(devices)
      const servers = 1 + Math.max(0, ...candidates.map(({ server }) => server))
      actions = Array.from({ length: servers }, (_, own) =>
        [...candidates.keys()].filter((at) => [-1, own].includes(candidates[at]!.server)),
      )
    },
    decide(fleet, device) {
      policies[device] ??= make()
      const own = actions[device % actions.length]!
      const observation = fleet.observe(device)
      const modes = own.map((at) => observation.modes[at]!)
      const { mode } = policies[device].decide({ ...observation, modes })
      const at = modes.findIndex((estimate) => estimate.mode === mode)
      if (at < 0) throw policyError('BAD_ACTION', `${name}: mode ${mode} is not in the table`)
      return own[at]!
    },
  }
}
