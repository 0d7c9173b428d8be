/** Who pays what. */
export interface Payments {
  /** [requests]: 0 for losers. */
  readonly payment: Float64Array
  /** The sum of the payments. */
  readonly revenue: number
}

export function paymentsOf(payment: Float64Array): Payments {
  return { payment, revenue: payment.reduce((sum, one) => sum + one, 0) }
}
