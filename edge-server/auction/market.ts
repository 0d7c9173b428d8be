/** What a resource has and a request wants, in this order wherever amounts stand in a list. */
export const amountNames = ['cpu', 'memory', 'accelerator', 'bandwidth'] as const

/** One number for each of `amountNames`, in units of the market's own, the same for requests and resources. */
export type Amounts = readonly number[]

/** A point on the market's map, in kilometres. */
export interface Place {
  readonly x: number
  readonly y: number
}

/** What a requester asks of one round. */
export interface Request {
  /** Names the request within its round. */
  readonly id: string
  /** Who asks, pays, and whose share fairness looks at. */
  readonly requester: string
  readonly demand: Amounts
  /** What the requester says that winning is worth to it: the most that it may be made to pay. */
  readonly bid: number
  /** 0 (can wait) … 1. */
  readonly priority: number
  readonly needs: Needs
  readonly place: Place
  /** The only kind of resource that will do. Absent: any. */
  readonly kind?: string
}

/** The least that a resource must offer a request. */
export interface Needs {
  /** 0 … 1. */
  readonly reliability: number
  /** 0 … 1. */
  readonly availability: number
  /** On the way between the two places, in milliseconds. */
  readonly latencyMs: number
}

/** What a server offers in one round. */
export interface Resource {
  readonly id: string
  readonly kind: string
  readonly capacity: Amounts
  /** What a unit of demand costs whoever runs it. */
  readonly unitCost: number
  /** 0 … 1. */
  readonly reliability: number
  /** 0 … 1. */
  readonly availability: number
  /** How little energy it takes: 0 (most) … 1 (least). */
  readonly energy: number
  readonly place: Place
}

/** One round: everybody's requests and resources, in any order. */
export interface Market {
  readonly requests: readonly Request[]
  readonly resources: readonly Resource[]
}
