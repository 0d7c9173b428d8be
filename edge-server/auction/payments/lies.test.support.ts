import { randomMarket } from '../random-market.ts'
import type { PaymentRule } from '../round.ts'
import { searchForLies } from './search-for-lies.ts'

export const profitableLies = (
  rule: Exclude<PaymentRule, 'none'>,
  options: { readonly markets: number; readonly misreports: number; readonly seed: number },
) => searchForLies(rule, { ...options, marketOf: randomMarket })
