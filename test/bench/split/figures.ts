import type { FigureSpec } from '../suite.ts'

const figure =
  (kind: FigureSpec['kind']) =>
  (name: string, meaning: string, target: FigureSpec['target']): FigureSpec => ({
    name,
    meaning,
    target,
    kind,
  })
const result = figure('result')
const speed = figure('speed')

/** What the suite promises, in the order of the table. */
export const splitFigures: readonly FigureSpec[] = [
  result('teacherTop1', "the edge's network on the CIFAR-10 test set, %", { atLeast: 92 }),
  result('localTop1', "the device's own network, %", { atLeast: 87.9 }),
  result('localMacsM', 'its multiply-adds, millions', { atMost: 12.5 }),
  result('localParamsK', 'its parameters, thousands', { atMost: 80 }),
  result('studentTop1', 'head, 8-bit bottleneck as on the wire, tail, %', { atLeast: 91.4 }),
  result('payloadBytes', 'coded bottleneck of one frame, 8 bits a value', { atMost: 512 }),
  result('studentDropPts', 'teacher minus student on the same images, points', { atMost: 0.6 }),
  result('cutBitIdentical', 'head and tail equal the whole bit for bit, all fixture graphs and cuts', {
    atLeast: 1,
  }),
  result('bytesAtMinus0_6', 'mean payload of the cheapest mode at most 0.6 points below the teacher', {
    atMost: 128,
  }),
  result('reductionVsJpegPct', 'the same against a JPEG of quality 95 without its headers, %', {
    atLeast: 90,
  }),
  result('bestCodecRatio', 'bytes of the best image codec ÷ ours at equal accuracy, worst mode', {
    atLeast: 2.5,
  }),
  result('prefixDropPts', 'largest loss of accuracy as a longer prefix of the payload arrives, points', {
    atMost: 0.3,
  }),
  result('headMacsM', 'multiply-adds of the widest head, millions', { atMost: 2.5 }),
  result('encoderKB', 'tensors of all heads as stored, 1000 bytes', { atMost: 60 }),
  speed('headMs', 'one frame through the widest head, one thread, median', { about: 0.5 }),
  speed('ransMBps', 'million symbols/s of the entropy coder, the slower of encode and decode', {
    atLeast: 30,
  }),
  result('codedVsEntropyPct', 'coded length less 64 bytes over its information, worst payload, %', {
    atMost: 1,
  }),
  result('ratePoints', 'split modes that no other one dominates', { atLeast: 8 }),
  result('computePoints', 'head costs among them', { atLeast: 2 }),
  speed('switchMs', 'what a change of mode adds to the next frame on the device, 99th percentile', {
    atMost: 1,
  }),
  speed('allModesRamRatio', 'memory with all modes ready ÷ with the largest one', { atMost: 1.1 }),
  result(
    'inceptionAgreementPct',
    'best mode of at most 12 kB on 299 px photos: agreement with Inception V3, %',
    {
      atLeast: 85,
    },
  ),
  result('inceptionBestCodecRatio', 'bytes of the best image codec ÷ ours at equal agreement, that mode', {
    atLeast: 1.5,
  }),
  result('filterRecall', 'share of the frames of interest that the filter lets pass', { atLeast: 0.88 }),
  result('filterSkippedPct', 'of the other frames, those that it skips, %', { atLeast: 50 }),
  result('exitAccuracy', 'of the frames that leave early, those that are right', { atLeast: 0.96 }),
  result('exitSharePct', 'of all frames, those that leave early, %', { about: 40 }),
  result('replayMiss600Pct', 'deadlines of 600 ms missed in the recorded Bluetooth runs, worst distance, %', {
    atMost: 5,
  }),
  result('replayMiss300Pct', 'the same with 300 ms', { atMost: 15 }),
]
