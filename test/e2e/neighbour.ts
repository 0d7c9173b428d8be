import { setTimeout as sleep } from 'node:timers/promises'
import { latent, WireClient } from './wire-client.ts'

/**
 * A well-behaved device that asks the same question again and again while others misbehave, one question at a time,
 * and keeps what it was answered.
 */
export class Neighbour {
  readonly client: WireClient
  readonly outcomes: (readonly number[] | string)[] = []
  #stopped = false
  #asking: Promise<void>

  private constructor(client: WireClient) {
    this.client = client
    this.#asking = this.#ask()
  }

  static async start(port: number, bundle: number): Promise<Neighbour> {
    return new Neighbour(await WireClient.connect(port, 'neighbour', bundle))
  }

  /** Ends with the answer to the last question. */
  async stop(): Promise<void> {
    this.#stopped = true
    await this.#asking
    await this.client.end()
  }

  async #ask(): Promise<void> {
    while (!this.#stopped) {
      this.outcomes.push(await this.client.ask({ payload: latent }))
      await sleep(20)
    }
  }
}
