import { benchmarkCorruptions } from '@isthmus/models/data'
import { runInThread } from '@isthmus/models/train'
import type { Part } from '../part.ts'
import type { Detail, FigureSpec, SuiteContext } from '../suite.ts'
import { seedMean } from './errors-table.ts'
import type { MethodName } from './methods.ts'
import type { LongStreamsInput, LongStreamsOutput } from './streams-task.ts'

export const longStreamFigures: readonly FigureSpec[] = [
  {
    name: 'cleanDropPts',
    meaning:
      'accuracy on clean images that CEMA has lost after all 15 damages in sequence, against the network as packed, points',
    target: { atMost: 1 },
    kind: 'result',
  },
  {
    name: 'correlatedErr',
    meaning: "CEMA's error beyond the unadapted network's where classes come in runs, points",
    target: { atMost: 1 },
    kind: 'result',
  },
  {
    name: 'correlatedTentErr',
    meaning: "Tent's error beyond the unadapted network's on the same streams, points",
    target: { about: 30 },
    kind: 'result',
  },
]

const methods: readonly MethodName[] = ['source', 'bn-1', 'tent', 'eata', 'sar', 'cema']

/** A long walk through all damages and back to clean images, and streams in which classes come in runs. */
export async function measureLongStreams({ quick, bundles, threads, say }: SuiteContext): Promise<Part> {
  const seeds = quick ? [1] : [1, 2, 3]
  const played = quick ? (['source', 'tent', 'cema'] as const) : methods
  const types = quick ? ['fog'] : ['gaussian_noise', 'defocus_blur', 'fog']
  const waiting = played.flatMap((method) =>
    seeds.map(
      (seed): LongStreamsInput => ({
        bundles,
        method,
        seed,
        perType: quick ? 200 : 400,
        clean: quick ? 400 : 2000,
        correlated: { types, count: quick ? 800 : 2000 },
      }),
    ),
  )
  const outputs: (LongStreamsOutput & { method: MethodName })[] = []
  const worker = async () => {
    for (let input = waiting.shift(); input; input = waiting.shift()) {
      const module = new URL('./streams-task.js', import.meta.url)
      outputs.push({ method: input.method, ...(await runInThread<LongStreamsOutput>(module, input)) })
      say(`long streams: ${input.method}, seed ${input.seed}`)
    }
  }
  await Promise.all(Array.from({ length: threads }, worker))
  const of = (method: MethodName, figure: (output: LongStreamsOutput) => number) =>
    seedMean(outputs.filter((output) => output.method === method).map(figure))
  const clean = (method: MethodName) => of(method, (output) => output.sequence.cleanError!)
  const correlated = (method: MethodName) => of(method, (output) => output.correlated.error)
  const rows = played.map(
    (method): Detail => ({
      method,
      sequenceError: { ...of(method, (output) => output.sequence.error) },
      cleanErrorAfter: { ...clean(method) },
      correlatedError: { ...correlated(method) },
    }),
  )
  return {
    figures: {
      cleanDropPts: clean('cema').mean - clean('source').mean,
      correlatedErr: correlated('cema').mean - correlated('source').mean,
      correlatedTentErr: correlated('tent').mean - correlated('source').mean,
    },
    // A few hundred images say nothing about a point.
    ...(quick ? { verdicts: { cleanDropPts: null, correlatedErr: null } } : {}),
    detail: { longStreams: { seeds, kinds: benchmarkCorruptions.length, correlatedTypes: types, rows } },
  }
}
