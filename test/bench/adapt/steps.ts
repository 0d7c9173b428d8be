import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type AdaptableNetwork, cemaSettings, NormForward, StudentStep } from '@isthmus/models/adapt'
import { seededRandom, shuffledIndices } from '@isthmus/models/data'
import { floatAttribute, intAttribute, intsAttribute, type Node } from '@isthmus/models/onnx'
import type { Tensor } from '@isthmus/models/runtime'
import type { Part } from '../part.ts'
import { TorchProcess, type TorchRun } from '../peers/torch-process.ts'
import { median, medianInterval } from '../statistics.ts'
import type { FigureSpec, SuiteContext } from '../suite.ts'
import { type AdaptNetworks, inputOf, pixelsOf } from './networks.ts'

export const stepFigures: readonly FigureSpec[] = [
  {
    name: 'adaptStepsPerSec',
    meaning: "steps of the devices' network on the server, batch 128, two threads, a second",
    target: { about: 10 },
    kind: 'speed',
  },
  {
    name: 'adaptVsTorch',
    meaning: "PyTorch's time for the same step ÷ ours, of its fastest layout",
    target: { atLeast: 1 },
    kind: 'speed',
  },
]

const ROWS = 128
const BATCHES = 4
const WARM_UP = 5
const AGREEMENT_STEPS = 8
const layouts = ['plain', 'channels_last'] as const

interface Batch {
  readonly input: Tensor<'float32'>
  readonly teacher: Tensor<'float32'>
}

/** CEMA's step of distillation into the student, against the same step in PyTorch, in turns. */
export async function measureSteps(networks: AdaptNetworks, context: SuiteContext): Promise<Part> {
  const { quick, threads, say } = context
  const batches = await someBatches(networks, threads)
  const { rounds, steps } = quick ? { rounds: 2, steps: 6 } : { rounds: 7, steps: 30 }
  const peer = await startPeer(networks.student, batches, threads)
  const ours: number[] = []
  const theirs = layouts.map(() => [] as number[])
  for (let round = 0; round < rounds; round++) {
    ours.push(median((await runOurs(networks.student, batches, threads, steps, WARM_UP)).stepsMs))
    if (typeof peer === 'string') continue
    for (const [at, variant] of layouts.entries())
      theirs[at]!.push(median((await peer.ask({ variant, steps, warmUp: WARM_UP })).stepsMs))
    say(
      `step ${ours.at(-1)!.toFixed(1)} ms, PyTorch ${theirs.map((times) => times.at(-1)!.toFixed(1)).join(', ')} ms`,
    )
  }
  const figures: Record<string, number> = { adaptStepsPerSec: 1000 / median(ours) }
  const detail = { threads, rounds, steps, stepMs: median(ours), stepMsInterval95: medianInterval(ours) }
  if (typeof peer === 'string') return { figures, missing: { adaptVsTorch: peer }, detail: { steps: detail } }
  const fastest = [...theirs.keys()].sort((a, b) => median(theirs[a]!) - median(theirs[b]!))[0]!
  const ratios = theirs[fastest]!.map((time, round) => time / ours[round]!)
  const agreement = await peer.ask({ variant: 'plain', steps: AGREEMENT_STEPS, warmUp: 0 })
  const mine = await runOurs(networks.student, batches, threads, AGREEMENT_STEPS, 0)
  await peer.stop()
  figures.adaptVsTorch = median(ratios)
  return {
    figures,
    peers: {
      torchSteps: {
        ...peer.info,
        stepMs: Object.fromEntries(layouts.map((layout, at) => [layout, median(theirs[at]!)])),
      },
    },
    detail: {
      steps: {
        ...detail,
        ratioInterval95: medianInterval(ratios),
        ratioAgainst: layouts[fastest]!,
        // Both do the same from the same start.
        lossDifference: Math.max(
          ...mine.losses.map((loss, step) => Math.abs(loss - agreement.losses[step]!) / Math.abs(loss)),
        ),
      },
    },
  }
}

async function runOurs(
  student: AdaptableNetwork,
  batches: readonly Batch[],
  threads: number,
  steps: number,
  warmUp: number,
): Promise<TorchRun> {
  const step = await StudentStep.open(student, ROWS, cemaSettings, { threads, spinning: true })
  const run = { stepsMs: [] as number[], losses: [] as number[] }
  for (let at = 0; at < warmUp + steps; at++) {
    const { input, teacher } = batches[at % batches.length]!
    const startMs = performance.now()
    const loss = await step.run(input, teacher)
    if (at < warmUp) continue
    run.stepsMs.push(performance.now() - startMs)
    run.losses.push(loss)
  }
  await step.dispose()
  return run
}

async function someBatches(networks: AdaptNetworks, threads: number): Promise<Batch[]> {
  const { student, foundation, train } = networks
  const forward = await NormForward.open(foundation.model, foundation.layout, 'running', threads)
  const order = shuffledIndices(train.count, seededRandom(1))
  const batches: Batch[] = []
  for (let batch = 0; batch < BATCHES; batch++) {
    const chosen = order.subarray(batch * ROWS, (batch + 1) * ROWS)
    const input = inputOf(
      student,
      networks,
      Array.from(chosen, (at) => pixelsOf(train, at)),
    )
    batches.push({ input, teacher: await forward.run(input, foundation.source) })
  }
  await forward.dispose()
  return batches
}

function startPeer(student: AdaptableNetwork, batches: readonly Batch[], threads: number) {
  const { model, layout, input } = student
  const { graph } = model
  const settings = cemaSettings
  return TorchProcess.start('torch_adapt.py', threads, async (folder, write) => {
    const constants: Record<string, unknown> = {}
    for (const [name, { dtype, dims, bytes }] of graph.initializers)
      if (dtype === 'float32') constants[name] = await write(dims, bytes)
    const written = []
    for (const batch of batches)
      written.push({
        input: await writeTensor(write, batch.input),
        teacher: await writeTensor(write, batch.teacher),
      })
    const about = {
      input,
      logits: graph.outputs[0]!.name,
      nodes: graph.nodes.map(describe),
      constants,
      affine: layout.layers.flatMap(({ scale, shift }) => [scale, shift]),
      batches: written,
      rate: settings.studentRate,
      momentum: settings.momentum,
      statisticsShare: settings.statisticsShare,
      loss: { ...settings.loss, margin: settings.marginShare * Math.log(student.classes) },
    }
    await writeFile(join(folder, 'adapt.json'), JSON.stringify(about))
  })
}

const writeTensor = (
  write: (dims: readonly number[], bytes: Uint8Array) => Promise<unknown>,
  { dims, data }: Tensor<'float32'>,
) => write(dims, new Uint8Array(data.buffer, data.byteOffset, data.byteLength))

const describe = (node: Node) => ({
  op: node.op,
  inputs: node.inputs.filter((name) => name !== ''),
  output: node.outputs[0]!,
  strides: intsAttribute(node, 'strides', [1, 1]),
  pads: intsAttribute(node, 'pads', [0, 0, 0, 0]),
  group: intAttribute(node, 'group', 1),
  epsilon: floatAttribute(node, 'epsilon', 1e-5),
})
