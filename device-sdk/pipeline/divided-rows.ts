import type { Wiring } from '@isthmus/models/pipeline'
import type { StageHost } from '@isthmus/policies/pipeline'

/**
 * How many rows of each stage the server is to run: a share of them, rounded up; 0: the stage is not divided. A part that would be
 * smaller than the stage allows leaves it whole, on the side that has the most of it.
 *
 * @param shares by stage, from 0 to 1; undefined: no stage is divided
 * @returns hosts as well: the device's, of a stage of which nothing goes away
 */
export function dividedRows(
  { stages }: Wiring,
  hosts: readonly StageHost[],
  shares: readonly number[] | undefined,
): { readonly hosts: readonly StageHost[]; readonly rows: readonly number[] } {
  const rows = stages.map(({ number, division }) => {
    if (!division || !shares || hosts[number] === 'device') return 0
    return Math.ceil(shares[number]! * division.rows)
  })
  const isLeft = (stage: number) => {
    const { division } = stages[stage]!
    return division !== undefined && shares !== undefined && rows[stage]! < division.leastRows
  }
  return {
    hosts: hosts.map((host, stage) => (isLeft(stage) ? 'device' : host)),
    rows: rows.map((count, stage) => {
      const { division } = stages[stage]!
      return division && count <= division.rows - division.leastRows && !isLeft(stage) ? count : 0
    }),
  }
}
