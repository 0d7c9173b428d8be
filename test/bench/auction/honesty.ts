import { randomMarket, searchForLies } from '@isthmus/edge-server/auction'
import type { Part } from '../part.ts'
import type { FigureSpec, SuiteContext } from '../suite.ts'

export const honestyFigures: readonly FigureSpec[] = [
  {
    name: 'profitableLies',
    meaning:
      'bids other than the true one that paid, 200 random markets × 50 misreports, critical and VCG each',
    target: { atMost: 0 },
    kind: 'result',
  },
]

/** The search that looks for lies in truthful rules must find them in the published one. */
export async function measureHonesty({ quick, say }: SuiteContext): Promise<Part> {
  const [markets, misreports] = quick ? ([40, 10] as const) : ([200, 50] as const)
  const rows: { rule: string; markets: number; misreports: number; lies: number; largestGain: number }[] = []
  for (const rule of ['critical', 'vcg', 'posted', 'mohaf-2025'] as const) {
    const lies = await searchForLies(rule, { markets, misreports, seed: 1, marketOf: randomMarket })
    const largestGain = Math.max(0, ...lies.map(({ gain }) => gain))
    rows.push({ rule, markets, misreports, lies: lies.length, largestGain })
    say(`${rule}: ${lies.length} profitable lies of ${markets * misreports}`)
  }
  const found = (rule: string) => rows.find((row) => row.rule === rule)!.lies
  const lies = found('critical') + found('vcg')
  return {
    figures: { profitableLies: lies },
    verdicts: {
      profitableLies:
        found('mohaf-2025') === 0
          ? 'The search finds no lie in the published payments, where there are many'
          : lies > 0
            ? `${lies} lies pay`
            : null,
    },
    detail: { honesty: rows },
  }
}
