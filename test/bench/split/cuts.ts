import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  compareOutputs,
  cut,
  cutPoints,
  inspectModel,
  type Model,
  readModel,
  readModelFile,
  seededFeeds,
  writeModel,
} from '@isthmus/models/onnx'
import { fixtureGraphs } from '@isthmus/models/onnx/fixtures'
import { openSession, type Session, type Tensor } from '@isthmus/models/runtime'
import type { Part } from '../part.ts'
import type { Detail, SuiteContext } from '../suite.ts'

/** Every operator runs as it was written: what the runtime fuses depends on where a graph ends. */
const exact = { graphOptimization: 'disabled' } as const

/** Cuts of every fixture graph, and of a network that somebody else built. */
export async function measureCuts({ quick, say }: SuiteContext): Promise<Part> {
  say('cutting every fixture graph at every place')
  const { graphs, cuts, different } = await tryFixtures()
  const inceptionV3 = await tryInception(quick ? 2 : 30)
  return {
    figures: { cutBitIdentical: different.length === 0 ? 1 : 0 },
    detail: { cuts: { graphs, cuts, different: [...different], inceptionV3 } },
  }
}

type Tensors = Readonly<Record<string, Tensor>>

interface CutTrial {
  readonly cuts: number
  /** Cuts after which head and tail did not give the whole's bits. */
  readonly different: readonly string[]
}

/** Cuts every fixture graph at every place and compares head and tail with the whole, bit for bit. */
async function tryFixtures(): Promise<CutTrial & { graphs: number }> {
  const graphs = fixtureGraphs()
  let cuts = 0
  const different: string[] = []
  for (const { name, model: written, shapes } of graphs) {
    const bytes = writeModel(written)
    const model = readModel(bytes)
    const places = cutPoints(model.graph).map(({ tensor }) => tensor)
    const trial = await tryCuts(bytes, model, seededFeeds(model, shapes), places)
    cuts += trial.cuts
    for (const tensor of trial.different) different.push(`${name} at ${tensor}`)
  }
  return { graphs: graphs.length, cuts, different }
}

async function tryCuts(
  bytes: Uint8Array | string,
  model: Model,
  feeds: Tensors,
  places: readonly string[],
): Promise<CutTrial> {
  const whole = await runOnce(bytes, feeds)
  const different: string[] = []
  for (const tensor of places) {
    const { head, tail } = cut(model, tensor)
    const parts = await runOnce(writeModel(tail), await runOnce(writeModel(head), feeds))
    if (!compareOutputs(whole, parts).identical) different.push(tensor)
  }
  return { cuts: places.length, different }
}

async function runOnce(model: Uint8Array | string, feeds: Tensors): Promise<Tensors> {
  const session: Session = await openSession(model, exact)
  try {
    return await session.run(feeds)
  } finally {
    await session.dispose()
  }
}

/** Folder of the data that development has and a fresh machine does not. */
export const sharedData = (): string =>
  process.env.ISTHMUS_SHARED_DATA ?? fileURLToPath(new URL('../../../../../shared/data', import.meta.url))

/** A network of 24 M parameters that somebody else built and exported; it is no part of the repository. */
export function inceptionFile(): string | undefined {
  const file = process.env.ISTHMUS_INCEPTION ?? join(sharedData(), 'models', 'inception-v3.onnx')
  return existsSync(file) ? file : undefined
}

/** The same trial on that network, at `places` of its cuts, spread evenly. */
async function tryInception(places: number): Promise<Detail> {
  const file = inceptionFile()
  if (file === undefined) return 'absent: name the file in ISTHMUS_INCEPTION to try it'
  const model = await readModelFile(file)
  const all = inspectModel(model).cuts.map(({ tensor }) => tensor)
  const chosen = all.filter(
    (_, at) => Math.floor((at * places) / all.length) !== Math.floor(((at - 1) * places) / all.length),
  )
  const trial = await tryCuts(file, model, seededFeeds(model), chosen)
  return {
    places: all.length,
    cuts: trial.cuts,
    bitIdentical: trial.different.length === 0,
    different: trial.different,
  }
}
