import type { GrowingPlan } from '../dag/planners/growing-plan.ts'
import type { RandomStream } from '../env/index.ts'
import type { Actor, AgentMemory, AgentThought } from './actor.ts'
import { heardWidth } from './actor-shape.ts'
import { type GraphSight, graphPlaces, lookAtPlacements } from './graph-rows.ts'
import { gumbel } from './gumbel.ts'

/** One agent that plans a graph alone: it hears nobody, and remembers what it has placed. */
export class GraphAgent {
  readonly #actor: Actor
  readonly #memory: AgentMemory
  readonly #thought: AgentThought
  readonly #context: Float64Array
  readonly #scores: Float64Array

  constructor(actor: Actor, hosts: number) {
    const places = graphPlaces(hosts)
    this.#actor = actor
    this.#memory = actor.memory(places)
    this.#thought = actor.thought(places)
    this.#context = new Float64Array(places * heardWidth(actor.shape))
    this.#scores = new Float64Array(places)
  }

  /** Begins another plan. */
  begin(): void {
    this.#memory.hidden.fill(0)
    this.#memory.cell.fill(0)
  }

  /**
   * What can come next, and the place of the placement that it chooses.
   *
   * @param explore draws the choice by the scores' probabilities instead of taking the best
   */
  look(growing: GrowingPlan, explore?: RandomStream): GraphSight & { readonly choice: number } {
    const sight = lookAtPlacements(growing)
    this.#thought.rows.set(sight.rows)
    this.#thought.message.allowed.set(sight.allowed)
    this.#actor.think(this.#thought)
    this.#actor.decide(this.#thought, this.#context, this.#memory, this.#scores)
    let choice = 0
    let highest = -Infinity
    for (const [place, score] of this.#scores.entries()) {
      const noisy = explore ? score + gumbel(explore) : score
      if (noisy <= highest) continue
      highest = noisy
      choice = place
    }
    return { ...sight, choice }
  }
}
