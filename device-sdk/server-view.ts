import type { Birth, Envelope, State } from '@isthmus/proto'
import type { Offered } from './announcements.ts'
import type { FallbackCode } from './fallback.ts'

/** What the server says of itself on its retained birth and state topics, in whatever order they arrive. */
export class ServerView {
  #birth: { boot: number; birth: Birth } | undefined
  /** Of the life that was seen last, also before a reconnect. */
  #epoch: number | undefined
  /** By boot, newest last: a new life's state may come before its birth, an earlier one's last will after it. */
  readonly #states = new Map<number, State>()

  /** Takes a birth. True when it is another life of the server than the one seen before. */
  onBirth({ boot }: Envelope, birth: Birth): boolean {
    const known = this.#epoch
    this.#epoch = birth.epoch
    this.#birth = { boot, birth }
    return known !== undefined && known !== birth.epoch
  }

  onState({ boot }: Envelope, state: State): void {
    this.#states.delete(boot)
    this.#states.set(boot, state)
    if (this.#states.size > 4) this.#states.delete(this.#states.keys().next().value!)
  }

  /** Forgets both: after a reconnect the broker sends what it retained. */
  forget(): void {
    this.#birth = undefined
    this.#states.clear()
  }

  get birth(): Birth | undefined {
    return this.#birth?.birth
  }

  /** The state of the life that the birth announced. */
  get state(): State | undefined {
    return this.#birth && this.#states.get(this.#birth.boot)
  }

  /** Why nothing of a bundle or pipeline can be given to this server now; undefined when it can. */
  refusal({ kind, key }: Offered): FallbackCode | undefined {
    if (!this.birth || !this.state) return 'NO_SERVER'
    if (this.state.presence === 'offline') return 'SERVER_OFFLINE'
    if (this.state.presence === 'draining') return 'SERVER_DRAINING'
    const { bundles, pipelines } = this.birth
    const has = (offers: readonly { readonly key: number }[]) => offers.some((offer) => offer.key === key)
    if (kind === 'pipeline') return has(pipelines) ? undefined : 'PIPELINE_MISMATCH'
    return has(bundles) ? undefined : 'BUNDLE_MISMATCH'
  }
}
