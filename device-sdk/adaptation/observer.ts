import type { Mode } from '@isthmus/models/bundle'
import type { FrameTensors } from '../frame-tensors.ts'
import type { ModelVersion } from '../loaded-model.ts'
import type { PatchedRole } from './events.ts'

/** An answer that has just been given: by the local network, or by the server's tail on the head's latent. */
export interface GivenAnswer {
  readonly role: PatchedRole
  /** Read only during the call. */
  readonly output: Float32Array
  readonly version: ModelVersion
  readonly mode: Mode
  /** What was made of the frame; read only during the call. */
  readonly tensors: FrameTensors
}

/** What frames tell adaptation. All are called on the way of a frame and do no more than a copy. */
export interface AnswerObserver {
  answered(answer: GivenAnswer): void
  /** The server has no tail that fits the head. */
  mismatched(role: PatchedRole, version: ModelVersion): void
  /** A model gives NaN or an infinity. Whether another form of it has taken its place, to try again. */
  broken(role: PatchedRole, version: ModelVersion): boolean
}
