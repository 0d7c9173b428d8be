// Three devices that want different things compete for a server that has room for two:
//   node examples/dist/market/main.js [--bundles DIR] [--rounds N]

import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { connectDevice, type Device } from '@isthmus/device-sdk'
import { startEdge } from '@isthmus/edge-server'
import { bundlesFolder } from '../bundles-folder.ts'

const { values } = parseArgs({
  options: {
    bundles: { type: 'string', default: join(bundlesFolder(), 'cifar10') },
    rounds: { type: 'string', default: '10' },
  },
})
const ROUND_MS = 1000
const bundle = values.bundles

const edge = await startEdge({
  bundles: bundle,
  mqttPort: 0,
  wsPort: 'off',
  httpPort: 'off',
  logLevel: 'warn',
  market: 'critical',
  roundMs: ROUND_MS,
  // Short, so that leases change hands while one looks on.
  leaseMs: 2000,
  tenureMs: 3000,
  offer: { cpu: 2.5 },
})
const broker = `mqtt://127.0.0.1:${edge.ports.mqttPort}`
const demand = { cpu: 1 }
const common = { broker, bundle, deadlineMs: 200 }

const wishes = [
  { id: 'hurry', wants: 'right answers, and soon', preference: { delay: 1, accuracy: 1 }, budget: 20 },
  {
    id: 'thrift',
    wants: 'right answers, and a long battery',
    preference: { delay: 0, accuracy: 1, energy: 0.1 },
    budget: 20,
  },
  { id: 'care', wants: 'right answers', preference: { delay: 0, accuracy: 1 }, budget: 20 },
]
const devices: Device[] = []
for (const { id, preference, budget } of wishes) {
  devices.push(await connectDevice({ id, ...common, preference, market: { budget, demand } }))
}

console.log(
  'One server with room for two leases, rounds of a second. Each device bids the share of its budget',
)
console.log('that the edge is worth to its user; winners pay the least bid that would still have won.')
for (const { id, wants, budget } of wishes)
  console.log(`  ${id} wants ${wants}, and has ${budget} to spend on a lease`)
console.log()
const half = Math.ceil(Number(values.rounds) / 2)
const columns = ['round', ...wishes.map(({ id }) => id)]
console.log(columns.map((text, at) => text.padEnd(at === 0 ? 6 : 36)).join(' '))
for (let round = 1; round <= Number(values.rounds); round++) {
  await sleep(ROUND_MS)
  if (round === half) {
    await devices[2]!.close()
    console.log('       care goes home; its lease is for others')
  }
  const cells = devices.map((device, at) => {
    if (at === 2 && round >= half) return 'gone'
    const bid = (wishes[at]!.budget * device.edgeWorth).toFixed(2)
    const { lease } = device
    return lease ? `leased for ${lease.payment.toFixed(2)} (bids ${bid})` : `best effort (bids ${bid})`
  })
  console.log([`${round}`.padEnd(6), ...cells.map((cell) => cell.padEnd(36))].join(' '))
}
console.log()
for (const [at, device] of devices.entries()) {
  const { bids, won, paid, lost } = device.stats.market!
  const reasons = Object.entries(lost).map(([reason, count]) => `${count} × ${reason}`)
  console.log(
    `${wishes[at]!.id}: ${bids} bids, ${won} leases, paid ${paid.toFixed(2)}, lost: ${reasons.join(', ') || 'none'}`,
  )
}
for (const device of devices) await device.close()
await edge.close()
