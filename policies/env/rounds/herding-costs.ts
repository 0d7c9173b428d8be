import type { CentralCosts } from './central-costs.ts'
import type { HerdingRounds } from './herding-rounds.ts'
import { type OffloadObservation, offloadObservation } from './offload-observation.ts'

/**
 * Full information in {@link HerdingRounds}: the devices that really have something at each fog, on its way included, and those
 * that were sent there in this round.
 */
export class HerdingCosts implements CentralCosts<HerdingRounds> {
  private seen: OffloadObservation = offloadObservation(1)
  private sharing = new Float64Array(0)

  begin({ places }: HerdingRounds): void {
    this.seen = offloadObservation(places)
    this.sharing = new Float64Array(places)
  }

  beginRound({ places, world }: HerdingRounds): void {
    for (let place = 1; place < places; place++) this.sharing[place] = world.queuesAt(place - 1)
  }

  costs(environment: HerdingRounds, agent: number, into: Float64Array): void {
    const { seen, sharing } = this
    environment.observe(agent, seen)
    for (let place = 0; place < seen.places; place++) {
      const { deadlineS } = seen
      // Its own queue there is among those that share already.
      const sharers =
        place === 0
          ? 1
          : Math.max(1, sharing[place]! + (environment.world.hasTaskAt(agent, place - 1) ? 0 : 1))
      const there = seen.waitS[place]! + seen.transferS[place]!
      const end = (there + (seen.queueS[place]! + seen.executionS[place]!) * sharers) / deadlineS
      // Late is dropped, at twice the deadline; the less late, the better the chance that it is not.
      into[place] = end > 1 ? 2 + 0.1 * end : end
    }
  }

  take({ world }: HerdingRounds, agent: number, place: number): void {
    if (place > 0 && !world.hasTaskAt(agent, place - 1)) this.sharing[place]! += 1
  }
}
