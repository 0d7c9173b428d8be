import { type MecObservation, ServerQueues } from '../env/index.ts'

type Model = { -readonly [K in keyof MecObservation]: MecObservation[K] }

/** A copy of the observed system to play on; the same object again for systems of one size. */
export class MecModel {
  private model: Model | undefined

  of(observation: MecObservation): Model {
    const { servers, capacity } = observation.queues
    if (this.model?.queues.servers !== servers || this.model.queues.capacity !== capacity) {
      this.model = { ...observation, queues: new ServerQueues(servers, capacity) }
    }
    const { queues } = this.model
    Object.assign(this.model, observation, { queues })
    queues.copyFrom(observation.queues)
    return this.model
  }
}
