import { GrowingPlan, type Pilot } from './growing-plan.ts'
import type { Planner } from './planner.ts'

/**
 * Places next what HEFT would make the best of: of the ready tasks of highest upward rank each on each host. Of all plans that it saw
 * on the way it answers with the cheapest, so it is never worse than HEFT.
 *
 * @param ready ready tasks that are looked at; 1: tasks are placed in the order of their ranks
 */
export function pilotHeft(ready = 3): Planner {
  return {
    name: `pilot HEFT, ${ready} ready`,
    plan(problem, goal) {
      const growing = new GrowingPlan(problem, goal)
      let best: Pilot | undefined
      while (!growing.over) {
        let next: Pilot | undefined
        for (const task of growing.ready(ready)) {
          for (let host = 0; host < problem.hosts; host++) {
            const pilot = growing.pilot(task, host)
            if (pilot && (!next || pilot.cost < next.cost * (1 - 1e-12))) next = pilot
          }
        }
        if (!best || next!.cost < best.cost) best = next!
        growing.place(next!)
      }
      return best?.plan ?? growing.slots.plan()
    },
  }
}
