import { GrowingPlan } from './growing-plan.ts'
import type { Planner } from './planner.ts'

/** Each task, by upward rank, on the host with which HEFT would make the best of the rest. */
export const pilotHeft: Planner = {
  name: 'pilot HEFT',
  plan(problem, goal) {
    const growing = new GrowingPlan(problem, goal)
    while (!growing.over) {
      let best = -1
      let least = Infinity
      for (let host = 0; host < problem.hosts; host++) {
        const cost = growing.pilot(host)?.cost ?? Infinity
        if (best < 0 ? cost < Infinity : cost < least - 1e-12) {
          best = host
          least = cost
        }
      }
      growing.place(best)
    }
    return growing.slots.plan()
  },
}
