import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const main = fileURLToPath(new URL('./main.js', import.meta.url))
const bench = (...args: string[]) => spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' })

describe('bench', () => {
  it('tells how it is called', () => {
    const { status, stdout } = bench('--help')
    expect(status).toBe(0)
    for (const word of ['wire', 'train', 'split', '--quick', '--out']) expect(stdout).toContain(word)
  })

  it('lists every figure that was promised', () => {
    const figures = bench('--list').stdout.trim().split('\n')
    expect(figures.map((line) => line.split(/ +/)[1])).toEqual([
      ...['overheadMsP50', 'overheadMsP99', 'envelopeBytes', 'tailThroughputRatio', 'stageSumErrorPct'],
      ...['convStepMs', 'mlpStepMs', 'convVsTorch', 'mlpVsTorch', 'gradMaxRelErr'],
      ...['teacherTop1', 'localTop1', 'localMacsM', 'localParamsK', 'studentTop1', 'payloadBytes'],
      ...['studentDropPts', 'cutBitIdentical', 'bytesAtMinus0_6', 'reductionVsJpegPct', 'bestCodecRatio'],
      ...['prefixDropPts', 'headMacsM', 'encoderKB', 'headMs', 'ransMBps', 'codedVsEntropyPct'],
      ...['ratePoints', 'computePoints', 'switchMs', 'allModesRamRatio'],
      ...['inceptionAgreementPct', 'inceptionBestCodecRatio'],
      ...['filterRecall', 'filterSkippedPct', 'exitAccuracy', 'exitSharePct'],
      ...['replayMiss600Pct', 'replayMiss300Pct', 'slimmableTaxPts', 'invarianceGainPts', 'trainedTaxPts'],
      ...['goldenMaxAbsErr', 'telescopingMaxRelErr', 'refTableMaxZ'],
      ...['hvLoose', 'hvTight'].flatMap((figure) => [1, 3, 5, 8].map((edges) => `${figure}_E${edges}`)),
      ...['hvUnseen', 'hvSplitVsBest', 'preferenceSpearman', 'decisionMsP99', 'params'],
      ...['simDecisionsPerSec', 'updateMs', 'updateVsTorch', 'trainMinutes'],
      ...[
        'bnbOptimalShare',
        'bnbOptimalShareLayered',
        'heftGapPct',
        'lookaheadHeftGapPct',
        'pilotHeftGapPct',
      ],
      ...['greedyGapPct', 'localSearchGapPct', 'acoGapPct', 'policyGapPct', 'herdDropRatio'],
      ...['commGainPct', 'agents4to8Pct', 'messageLossPct', 'ratioGainPct'],
      ...['decisionMsP99', 'bpttGradRelErr', 'pipelineE2E'],
      ...['fixtureUnitGreedy', 'fixtureUnitExact', 'fixtureSharedWinners', 'fixtureSharedValue'],
      ...['compat2025Efficiency', 'compat2025Revenue', 'ablationWorstPct'],
      ...['gapHeuristicMeanPct', 'gapHeuristicWorstPct', 'gapExactSolved'],
      ...['profitableLies', 'priceConvergenceRounds'],
      ...['hierarchyValuePct', 'clear100kSec', 'scalingExponent', 'valueVsBest'],
      ...['roundMsP99', 'doubleAllocations', 'lostLeases'],
      ...[3, 5].flatMap((severity) =>
        ['errSource', 'errBn1', 'errTent', 'errEata', 'errCema'].map((figure) => `${figure}_s${severity}`),
      ),
      ...[3, 5].flatMap((severity) =>
        ['cemaOverEataPts', 'cemaOfSource', 'orderHolds', 'uploadShare', 'uploadVsEata'].map(
          (figure) => `${figure}_s${severity}`,
        ),
      ),
      ...['patchKB', 'patchInt8Ratio', 'int8AccuracyLossPts'],
      ...['fleetUpdated', 'fleetGatewayBytesRatio', 'fleetSubsetSaving'],
      ...['cleanDropPts', 'correlatedErr', 'correlatedTentErr'],
      ...[
        'poisonDropPts',
        'tailGainPts',
        'splitGainPts',
        'liveRecoveryFrames',
        'adaptStepsPerSec',
        'adaptVsTorch',
        'latencyPenaltyPct',
      ],
    ])
  })

  it.each([
    [[]],
    [['nosuch']],
    [['wire', 'train']],
    [['wire', '--nosuch']],
    [['train', '--threads', 'two']],
    [['wire', '--parts', 'errors']],
  ])('refuses %j with exit code 2 and says why', (args) => {
    const { status, stdout, stderr } = bench(...args)
    expect(status).toBe(2)
    expect(stdout).toBe('')
    expect(stderr).not.toBe('')
  })
})
