import type { LinkEstimate, ModeEstimate, Preference } from '@isthmus/policies'

/**
 * What the edge is worth to a user, as a share of the budget, 0 … 1: how much less the best remote mode costs than the best local one,
 * of what that costs. A mode's cost is the mean, by the user's weights (delay and accuracy alike where none is given), of the
 * time as a share of the deadline, the energy as a share of the thirstiest mode's, and the share of wrong answers. 1 where there is no
 * local mode, 0 where there is no remote one.
 */
export function edgeWorth(
  modes: readonly ModeEstimate[],
  preference: Preference,
  deadlineMs: number,
  link: LinkEstimate | undefined,
): number {
  const isSaid = Object.values(preference).some((weight) => weight > 0)
  const { delay = 0, energy = 0, accuracy = 0 } = isSaid ? preference : { delay: 1, accuracy: 1 }
  const mostJ = Math.max(...modes.map((mode) => mode.energyJ ?? 0), Number.MIN_VALUE)
  const costOf = (mode: ModeEstimate): number => {
    const sendMs = link && mode.route !== 'local' ? link.rttMs + (8000 * mode.payloadBytes) / link.rateBps : 0
    const late = Math.min(1, (mode.deviceMs + mode.serverMs + sendMs) / deadlineMs)
    return delay * late + (energy * (mode.energyJ ?? 0)) / mostJ + accuracy * (1 - mode.accuracy)
  }
  const least = (isLocal: boolean) =>
    Math.min(...modes.filter(({ route }) => (route === 'local') === isLocal).map(costOf))
  const [local, remote] = [least(true), least(false)]
  if (!Number.isFinite(remote)) return 0
  if (!Number.isFinite(local)) return 1
  if (!(local > 0)) return 0
  return Math.min(1, Math.max(0, (local - remote) / local))
}
