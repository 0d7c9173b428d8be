import { type EnvironmentPolicy, RandomStream, type TangWongObservation } from '../env/index.ts'

type Rule = EnvironmentPolicy<TangWongObservation>

const fixed = (name: string, action: number): Rule => ({
  name,
  evaluations: 0,
  begin: () => {},
  act: () => action,
})

/** Every device works its own tasks off. */
export const allLocal = (): Rule => fixed('all local', 0)

/** All devices use the same fog. */
export const oneFog = (fog = 0): Rule => fixed(`all to fog ${fog}`, 1 + fog)

/** Any fog with equal chances. */
export const randomFog = (): Rule => randomFrom('random fog', 1)

/** The device itself or any fog, with equal chances. */
export const randomPlace = (): Rule => randomFrom('random', 0)

function randomFrom(name: string, first: number): Rule {
  const random = new RandomStream(0)
  return {
    name,
    evaluations: 0,
    begin: (seed) => random.seed(seed, 0x74776f6e),
    act: ({ fogs }) => first + random.below(1 + fogs - first),
  }
}

/**
 * The place where this task would be done first if the fogs stayed as the device last heard of them: its own processor's
 * queue against uplink and share of a fog. All devices hear the same old news and run to the same fog, so that it is worse
 * than chance.
 */
export class Myopic implements Rule {
  readonly name = 'myopic'
  evaluations = 0

  begin(): void {}

  act(observation: TangWongObservation): number {
    const { fogs, activity, ownFogMbit, fogMbitPerSlot, taskMbit } = observation
    const latest = activity.length - fogs
    let best = 0
    let bestSlots = observation.localWaitSlots + observation.localSlots
    for (let fog = 0; fog < fogs; fog++) {
      const sharing = Math.max(1, activity[latest + fog]!)
      const slots =
        observation.uplinkWaitSlots +
        observation.uplinkSlots +
        Math.ceil(((ownFogMbit[fog]! + taskMbit) * sharing) / fogMbitPerSlot)
      if (slots >= bestSlots) continue
      best = 1 + fog
      bestSlots = slots
    }
    this.evaluations += 1 + fogs
    return best
  }
}
