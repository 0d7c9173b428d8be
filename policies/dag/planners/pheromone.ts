/**
 * Pheromone of a max-min ant system (Stützle and Hoos 2000) on pairs of task and host: kept between two bounds, so that no
 * host is ever sure and none is forgotten.
 */
export class Pheromone {
  /** `[task, host]` */
  readonly trail: Float64Array
  private readonly hosts: number
  private readonly rho: number
  private readonly most: number
  private readonly least: number

  constructor(tasks: number, hosts: number, rho: number) {
    this.hosts = hosts
    this.rho = rho
    // What one plan's whole deposit, laid again and again, comes to.
    this.most = 1 / rho
    this.least = this.most / (2 * Math.max(1, tasks))
    this.trail = new Float64Array(tasks * hosts).fill(this.most)
  }

  /** All pairs alike again. */
  reset(): void {
    this.trail.fill(this.most)
  }

  evaporate(): void {
    for (let at = 0; at < this.trail.length; at++) this.trail[at]! *= 1 - this.rho
  }

  deposit(host: Int32Array, amount: number): void {
    for (let task = 0; task < host.length; task++) this.trail[task * this.hosts + host[task]!]! += amount
  }

  clamp(): void {
    const { trail, least, most } = this
    for (let at = 0; at < trail.length; at++) trail[at] = Math.min(most, Math.max(least, trail[at]!))
  }
}
