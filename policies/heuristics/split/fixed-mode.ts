import type { EnvironmentPolicy, SplitObservation } from '../../env/index.ts'
import type { ModeEstimate } from '../../plan.ts'

/** Every frame on the device itself, in the most accurate local mode; the quickest way where there is none. */
export function allLocal(): EnvironmentPolicy<SplitObservation> {
  return {
    name: 'all-local',
    evaluations: 0,
    begin: () => {},
    act: (observation) => localAction(observation),
  }
}

/** Every frame in one mode at one server; on the device while no credits are left. */
export function fixedMode(mode: number, server = 0): EnvironmentPolicy<SplitObservation> {
  return {
    name: `mode-${mode}-at-${server}`,
    evaluations: 0,
    begin: () => {},
    act: (observation) => {
      const { modes } = observation
      const isMeant = (candidate: ModeEstimate) =>
        candidate.mode === mode && (candidate.server === -1 || candidate.server === server)
      const action = modes.findIndex(isMeant)
      return action >= 0 && mayTake(observation, modes[action]!) ? action : localAction(observation)
    },
  }
}

/** Whether the candidate's action is valid now. */
export function mayTake({ creditsLeft, modes }: SplitObservation, candidate: ModeEstimate): boolean {
  if (candidate.route === 'local' || creditsLeft > 0) return true
  for (let at = 0; at < modes.length; at++) if (modes[at]!.route === 'local') return false
  return true
}

function localAction({ modes }: SplitObservation): number {
  let best = -1
  let quickest = 0
  for (let action = 0; action < modes.length; action++) {
    const candidate = modes[action]!
    if (candidate.medianMs < modes[quickest]!.medianMs) quickest = action
    if (candidate.route !== 'local') continue
    if (best < 0 || candidate.accuracy > modes[best]!.accuracy) best = action
  }
  return best >= 0 ? best : quickest
}
