import { expect, it } from 'vitest'
import { FleetSimulation } from '../../sim/index.ts'
import { RandomStream, SplitEnvironment } from '../index.ts'

/** One device and two idle servers, in both: the environment for learners and the simulator of fleets are the same system. */
it.each([
  ['at ease', 0.1, 0.3],
  ['in a hurry', 0.02, 0.05],
])('environment and fleet simulator agree, frame by frame, %s', (_, frameS, deadlineS) => {
  const frames = 400
  const rateBps = 1.2e5
  const power = { computeW: 0.4, sendW: 0.9, listenW: 0 }
  const environment = new SplitEnvironment({
    traces: [{ atS: Float64Array.of(0), rateBps: Float64Array.of(rateBps), durationS: 50 }],
    servers: [
      { load: 0, rttS: 0.01, workers: 2 },
      { load: 0, rttS: 0.04, speed: 3 },
    ],
    jitterS: 0,
    credits: 1000,
    frameS,
    deadlineS,
    frames,
    power,
  })
  const random = new RandomStream(9)
  const actions = Array.from({ length: frames }, () => random.below(environment.actionCount))
  const { info } = environment.reset({ seed: 1 })
  let computeJ = 0
  let sendJ = 0
  let answeredS = 0
  for (const action of actions) {
    environment.step(action)
    computeJ += info.computeJ
    sendJ += info.sendJ
    if (!info.late) answeredS += info.delayS
  }
  let frame = 0
  const result = new FleetSimulation({
    seed: 1,
    horizonS: frames * frameS,
    atHorizon: 'drain',
    devices: [
      {
        count: 1,
        arrivals: { kind: 'periodic', everyS: frameS },
        link: { kind: 'fixed', rateBps },
        deadlineS,
        power,
      },
    ],
    servers: [
      { rttS: 0.01, workers: 2 },
      { rttS: 0.04, speed: 3 },
    ],
  }).run({ name: 'same', decide: () => actions[frame++]! })
  expect(result.decisions).toBe(frames)
  expect(result.answered).toBe(frames - info.lateFrames)
  expect(result.energy.partsJ.compute).toBeCloseTo(computeJ, 5)
  expect(result.energy.partsJ.send).toBeCloseTo(sendJ, 5)
  expect(result.error).toBeCloseTo(info.totalError / frames, 9)
  if (info.lateFrames === 0) expect(result.latency.meanS * frames).toBeCloseTo(answeredS, 6)
  else expect(info.lateFrames).toBeGreaterThan(100)
})
