/**
 * How an observation becomes numbers for a network that scores candidates (servers, or routes × modes × servers): one row of
 * features for each candidate, and a context of the whole situation. Rows are scored alike whatever their place, so a policy
 * fits any number of candidates.
 *
 * With M objectives a row begins with the weighted regret (left to {@link weigh}) and M regrets, see {@link writeRegrets}; the
 * context begins with 3·M − 1 numbers of the preference and M − 1 of the units, see {@link contextStart}.
 */
export interface CandidateEncoding<Observation> {
  /** Form of the numbers, such as `mec-candidates/2`. Weights that were trained for another form are refused. */
  readonly version: string
  /** Form of the observations that it reads. */
  readonly observationVersion: string
  readonly objectives: number
  readonly rowLength: number
  readonly contextLength: number
  /**
   * Writes one observation, all but what depends on the preference, and returns how many candidates it has.
   *
   * @param rows `[candidates, rowLength] float32` from `rowsAt` on; rows beyond the candidates are left alone
   * @param context `[contextLength] float32` from `contextAt` on
   */
  encode(
    observation: Observation,
    rows: Float32Array,
    rowsAt: number,
    context: Float32Array,
    contextAt: number,
  ): number
  /** Whether a candidate may be taken now; left out: all may. One that may not is given a regret beyond all others. */
  allowed?(observation: Observation, candidate: number): boolean
  /** Writes a reward of usual size for each objective to `units` (above 0): what training divides rewards by. */
  units(observation: Observation, units: Float64Array): void
}
