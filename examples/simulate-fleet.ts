// What a thousand cameras would do on two servers, in each of three ways: on the device, split, and as a real device decides:
//   node examples/dist/simulate-fleet.js

import { measuredCostController } from '@isthmus/policies'
import { devicePolicies, FleetSimulation, sameMode } from '@isthmus/policies/sim'

const policies = [sameMode(1), sameMode(8), devicePolicies('controller', () => measuredCostController())]
for (const policy of policies) {
  const { latency, dropRatio, error, energy, decisions } = new FleetSimulation({
    seed: 1,
    horizonS: 20,
    devices: [
      {
        count: 1000,
        arrivals: { kind: 'periodic', everyS: 0.5 },
        link: { kind: 'gilbert-elliott', goodBps: 5e6, badBps: 5e4, meanGoodS: 10, meanBadS: 1 },
        deadlineS: 0.15,
      },
    ],
    servers: [{ workers: 16 }, { workers: 16, rttS: 0.06 }],
  }).run(policy)
  const ms = (seconds: number) => `${(1000 * seconds).toFixed(0)} ms`
  console.log(
    `${policy.name}: p50 ${ms(latency.p50S)}, p99 ${ms(latency.p99S)}, ${(100 * dropRatio).toFixed(1)} % missed, ` +
      `${(100 * error).toFixed(1)} % wrong, ${((1000 * energy.totalJ) / decisions).toFixed(1)} mJ a frame`,
  )
}
