import type { ModelVersion } from '../loaded-model.ts'

/** The models of a bundle that patches can change. */
export type PatchedRole = 'local' | 'head' | 'narrowHead'

/** What happens on a device that takes part in adaptation, for a log. */
export type AdaptationEvent =
  /** A frame, or what the head made of it, has left the device. */
  | {
      readonly kind: 'uploaded'
      readonly number: number
      readonly input: 'pixels' | 'image' | 'latent' | 'statistics'
      readonly bytes: number
    }
  | { readonly kind: 'adopted'; readonly role: PatchedRole; readonly version: ModelVersion }
  /** `code` is one of `patchErrors`, or PROBE_DROP or MODEL_BROKEN. */
  | { readonly kind: 'refused'; readonly role: PatchedRole; readonly code: string; readonly detail: string }
  | {
      readonly kind: 'rolled-back'
      readonly role: PatchedRole
      readonly from: ModelVersion
      readonly to: ModelVersion
      readonly why: string
    }
  /** The state folder could not be written: what was adopted is lost with the next start. */
  | { readonly kind: 'not-stored'; readonly role: PatchedRole; readonly detail: string }
  /**
   * The local network's own statistics have begun anew after a shift, or the network is as packed again; or they were refused, and none are taken
   * for a while; or none ever are.
   */
  | {
      readonly kind: 'statistics'
      readonly role: 'local'
      readonly what: 'shift' | 'return' | 'refused' | 'off'
      readonly why?: string
    }
