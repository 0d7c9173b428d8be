import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ahpWeights, allLocalReference, schedulingProblem, taskPriorities } from './index.ts'

describe('the analytic hierarchy process', () => {
  it('finds the weights behind comparisons that agree, with ratio 0', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.05, max: 20, noNaN: true }), { minLength: 1, maxLength: 8 }),
        (importance) => {
          const { weights, consistencyRatio } = ahpWeights(
            importance.map((mine) => importance.map((other) => mine / other)),
          )
          const sum = importance.reduce((total, one) => total + one, 0)
          for (const [at, one] of importance.entries()) expect(weights[at]).toBeCloseTo(one / sum, 9)
          expect(consistencyRatio).toBeLessThan(1e-9)
        },
      ),
    )
  })

  it('gives the published weights of a matrix that nearly agrees', () => {
    const { weights, consistencyRatio } = ahpWeights([
      [1, 3, 5],
      [1 / 3, 1, 2],
      [1 / 5, 1 / 2, 1],
    ])
    // Worked out by hand: geometric means of the rows, which for three criteria are the eigenvector.
    const means = [15 ** (1 / 3), (2 / 3) ** (1 / 3), 0.1 ** (1 / 3)]
    const sum = means.reduce((total, one) => total + one, 0)
    for (const [at, mean] of means.entries()) expect(weights[at]).toBeCloseTo(mean / sum, 9)
    expect(consistencyRatio).toBeCloseTo(0.003185, 5)
  })

  it.each([
    [
      'contradict each other',
      [
        [1, 9, 1 / 9],
        [1 / 9, 1, 9],
        [9, 1 / 9, 1],
      ],
      /consistency ratio/,
    ],
    [
      'are not reciprocal',
      [
        [1, 2],
        [2, 1],
      ],
      /product must be 1/,
    ],
    ['are not square', [[1, 2]], /entries/],
    ['are none', [], /criteria/],
  ])('refuses comparisons that %s', (_, matrix, message) => {
    expect(() => ahpWeights(matrix)).toThrow(
      expect.objectContaining({ code: 'BAD_OPTION', message: expect.stringMatching(message) }),
    )
  })
})

describe('priorities of tasks', () => {
  it('put the long way before the short one', () => {
    const problem = schedulingProblem(
      {
        devices: [{ name: 'd', cyclesPerS: 1e9, cycleJ: 1e-9, transmitW: 1, idleW: 0 }],
        servers: [],
        uplinkBps: [[]],
        downlinkBps: [[]],
        betweenServersBps: 1,
      },
      [
        {
          device: 0,
          arrivalS: 0,
          graph: {
            tasks: [
              { id: 'short', cycles: 1e8 },
              { id: 'long', cycles: 1e8 },
              { id: 'rest', cycles: 1e9, after: [{ task: 'long', bits: 1 }] },
            ],
          },
        },
      ],
    )
    const named = new Map(
      [...problem.inGraph].map((at, task) => [
        problem.jobs[0]!.graph.tasks[at]!.id,
        taskPriorities(problem)[task]!,
      ]),
    )
    expect(named.get('long')).toBeGreaterThan(named.get('short')!)
    expect(allLocalReference(problem).latencyS).toBeCloseTo(1.2, 9)
  })
})
