/** Where one frame's work goes: all on the device, head then latent, the input itself, or nowhere. */
export type Route = 'local' | 'split' | 'edge' | 'skip'

/** A measured link: a message of b bytes and its answer take about `rttMs + 8·b / rateBps` (in ms: ×1000). */
export interface LinkEstimate {
  /** Uplink rate in bit/s. */
  readonly rateBps: number
  /** Round trip of an empty message in ms, the server's own time taken off. */
  readonly rttMs: number
  /** How far a round trip exceeds the fit in the worst tenth of cases whatever its size, in ms. */
  readonly spreadMs?: number
  /** How long a message that is sent now waits behind the sender's own earlier ones, in ms. */
  readonly queueMs?: number
  /** And how far beyond that, as a share of its transfer time. */
  readonly rateSpread?: number
}

/** What one mode of a bundle costs here and now, each time as a measured upper quantile (0.9). */
export interface ModeEstimate {
  readonly mode: number
  readonly route: Route
  /** Expected top-1 accuracy, 0..1. */
  readonly accuracy: number
  /** Bytes of the whole message on the wire; 0 for local. */
  readonly payloadBytes: number
  /** Preprocess, head (or local model) and encode, in ms. */
  readonly deviceMs: number
  /** Queue, decode and tail, in ms; 0 for local. */
  readonly serverMs: number
  /** Median of `deviceMs` and `serverMs` together; left out: they do not vary. */
  readonly medianMs?: number
  /** Expected energy of the device for one frame, joule: computing, sending and waiting. Left out: not known. */
  readonly energyJ?: number
  /** Which server takes the frame, from 0, where there are several to choose from; −1: none does. */
  readonly server?: number
}

/** The user's weights ω; only their ratio matters. */
export interface Preference {
  readonly delay?: number
  readonly energy?: number
  /** Weight of right answers. Policies that put accuracy first anyway (`measuredCostController`) do not look at it. */
  readonly accuracy?: number
}

/** All that a policy may look at. Plain data: the fleet simulation and a real device build the same. */
export interface Observation {
  readonly nowMs: number
  /** Time that this frame has, in ms. */
  readonly deadlineMs: number
  /** Whether a server that offers the bundle can be reached. */
  readonly online: boolean
  readonly link?: LinkEstimate
  readonly modes: readonly ModeEstimate[]
  /** Requests that may still be sent before the oldest has to be given up. */
  readonly creditsLeft: number
  /** How often a stage or the link has left its level so far; each new one calls for new measurements. */
  readonly drifts?: number
  readonly preference?: Preference
}

/** What a policy returns. */
export interface Plan {
  readonly route: Route
  readonly mode: number
  /** Expected time from frame to answer, in ms. */
  readonly expectedMs: number
  /** Why, in words for a person. */
  readonly reason: string
  /** The frame is sent, and computed locally as well, to measure that. The answer is the server's all the same. */
  readonly probeLocal?: boolean
}

/** Decides frame by frame. May hold state, does no I/O. Throws IsthmusError `NO_MODES` for an empty mode list. */
export interface Policy {
  decide(observation: Observation): Plan
}
