import { randomMarket } from '../random-market.ts'
import type { PaymentRule } from '../round.ts'
import { type LieSearch, searchForLies } from './search-for-lies.ts'

export const profitableLies = (rule: Exclude<PaymentRule, 'none'>, options: Omit<LieSearch, 'marketOf'>) =>
  searchForLies(rule, { ...options, marketOf: randomMarket })
