import { gradientErrors } from '@isthmus/models/autodiff/reference'
import type { Detail, Measurement, Suite, SuiteContext } from '../suite.ts'
import { type Duel, duel } from './duel.ts'
import { convJob, mlpJob, SEED } from './jobs.ts'
import { TorchPeer } from './torch-peer.ts'

const GRADIENT_SEED = 1

async function measure(context: SuiteContext): Promise<Measurement> {
  const { threads, quick, say } = context
  const atThreads = await duels(context, threads)
  const alone = quick || threads === 1 ? undefined : await duels(context, 1)
  say('checking every gradient against central differences')
  const errors = await gradientErrors(GRADIENT_SEED)
  const worst = errors.reduce((a, b) => (b.maxRelErr > a.maxRelErr || Number.isNaN(b.maxRelErr) ? b : a))
  const { conv, mlp, absent, info } = atThreads
  const ratios =
    conv.ratio === undefined || mlp.ratio === undefined
      ? {}
      : { convVsTorch: conv.ratio, mlpVsTorch: mlp.ratio }
  return {
    figures: { convStepMs: conv.stepMs, mlpStepMs: mlp.stepMs, ...ratios, gradMaxRelErr: worst.maxRelErr },
    missing: absent === undefined ? {} : { convVsTorch: absent, mlpVsTorch: absent },
    peers: info === undefined ? {} : { torch: { ...info, convStepMs: conv.torchMs, mlpStepMs: mlp.torchMs } },
    detail: {
      seed: SEED,
      conv: conv.detail,
      mlp: mlp.detail,
      ...(alone && { withOneThread: { conv: briefly(alone.conv), mlp: briefly(alone.mlp) } }),
      gradients: {
        seed: GRADIENT_SEED,
        operators: errors.length,
        worst: worst.operator,
        maxRelErr: Object.fromEntries(errors.map(({ operator, maxRelErr }) => [operator, maxRelErr])),
      },
    },
  }
}

async function duels(context: SuiteContext, threads: number) {
  const jobs = { conv: convJob(), mlp: mlpJob() }
  const started = await TorchPeer.start([jobs.conv, jobs.mlp], threads)
  const peer = typeof started === 'string' ? undefined : started
  const absent = typeof started === 'string' ? started : undefined
  if (absent !== undefined) context.say(`The peer is missing: ${absent}.`)
  try {
    const conv = await duel(jobs.conv, peer, threads, context)
    const mlp = await duel(jobs.mlp, peer, threads, context)
    const info: Detail | undefined = peer && { ...peer.info }
    return { conv, mlp, absent, info }
  } finally {
    await peer?.stop()
  }
}

const briefly = ({ stepMs, ratio, torchMs }: Duel): Detail => ({ stepMs, ratio, torchMs })

/** Training steps as one graph: how fast, beside PyTorch, and whether the gradients are right. */
export const trainSuite: Suite = {
  name: 'train',
  meaning: 'training steps in ONNX Runtime beside the same steps in PyTorch, and the error of every gradient',
  figures: [
    {
      name: 'convStepMs',
      meaning: 'one step of a small convolutional net, batch 64 of 3×32×32, Adam',
      target: { about: 6 },
      kind: 'speed',
    },
    {
      name: 'mlpStepMs',
      meaning: 'one step of an MLP 32-256-256-8, batch 256, Adam',
      target: { about: 1.3 },
      kind: 'speed',
    },
    {
      name: 'convVsTorch',
      meaning: "PyTorch's time ÷ ours, same threads",
      target: { atLeast: 1 },
      kind: 'speed',
    },
    {
      name: 'mlpVsTorch',
      meaning: "PyTorch's time ÷ ours, same threads",
      target: { atLeast: 1.3 },
      kind: 'speed',
    },
    {
      name: 'gradMaxRelErr',
      meaning: 'largest relative error of any gradient rule against central differences',
      target: { atMost: 1e-3 },
      kind: 'result',
    },
  ],
  measure,
}
