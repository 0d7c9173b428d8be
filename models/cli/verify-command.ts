import { parseArgs } from 'node:util'
import { IsthmusError } from '@isthmus/proto'
import type { Bundle } from '../bundle/bundle.ts'
import { loadBundle } from '../bundle/load.ts'
import { type ModelFile, type ModelRole, roles } from '../bundle/manifest.ts'
import type { Model, ValueInfo } from '../onnx/graph.ts'
import { inspectModel } from '../onnx/inspect.ts'
import { readModel } from '../onnx/read.ts'
import { seededFeeds } from '../onnx/seeded-feeds.ts'
import { openSession } from '../runtime/node.ts'
import type { Tensor } from '../runtime/session.ts'
import { type Command, formatBytes, formatCount, formatTable, oneFile } from './kit/index.ts'

const help = `Usage: isthmus-models verify BUNDLE

Checks a bundle's folder: the manifest, length and SHA-256 of every file, that each model takes and gives what
the manifest says, and that it runs on a random input.

Example:
  isthmus-models verify ./bundles/street

Exit code 1 when anything does not hold.`

interface Port {
  readonly name: string
  /** Without the batch. */
  readonly dims: readonly number[]
}

interface Ports {
  readonly takes: Port
  readonly gives: Port
}

/** What goes into and comes out of each model, as the manifest says. */
function ports(bundle: Bundle, role: ModelRole): Ports | undefined {
  const { input, output, latent, filter } = bundle.manifest
  const readsLatent = role === 'tail' || role === 'exit' || (role === 'filter' && filter?.reads === 'latent')
  const takes = readsLatent ? latent : input
  const isHead = role === 'head' || role === 'narrowHead'
  const gives = isHead ? latent : role === 'filter' ? { name: 'interest', dims: [1] } : output
  return takes && gives && { takes, gives }
}

const show = ({ name, dims }: Port): string => `"${name}" [${dims}]`

/** Says how a model's one input or output differs from what the manifest says of it. */
function fault(what: string, actual: readonly ValueInfo[], wanted: Port): string | undefined {
  const [value, second] = actual
  if (!value || second) return `has ${actual.length} ${what}s, the manifest knows one: ${show(wanted)}`
  if (value.dtype !== 'float32')
    return `has the ${what} "${value.name}" in ${value.dtype}, devices and servers use float32`
  const dims = value.dims?.slice(1)
  const fits =
    dims === undefined ||
    (dims.length === wanted.dims.length &&
      dims.every((dim, i) => typeof dim !== 'number' || dim === wanted.dims[i]))
  if (value.name === wanted.name && fits) return undefined
  return `has the ${what} "${value.name}" [${dims?.map((dim) => dim ?? '?')}], the manifest says ${show(wanted)}`
}

/** Runs one frame through a model; says what is wrong with the answer. */
async function trial(bytes: Uint8Array, model: Model, takes: Port, gives: Port): Promise<string | undefined> {
  const session = await openSession(bytes)
  try {
    const outputs = await session.run(seededFeeds(model, { [takes.name]: [1, ...takes.dims] }))
    const answer = outputs[gives.name] as Tensor
    if (`${answer.dims}` !== `${[1, ...gives.dims]}`) {
      return `gives "${gives.name}" [${answer.dims}] for one frame, the manifest says [1,${gives.dims}]`
    }
    const finite = answer.data.every((value: number | bigint) => Number.isFinite(Number(value)))
    return finite ? undefined : `gives NaN or infinity for a random input`
  } finally {
    await session.dispose()
  }
}

/** What is wrong with one model or decoder of a bundle. */
async function faultsOf(bytesOf: () => Uint8Array, macs: number, { takes, gives }: Ports): Promise<string[]> {
  try {
    const bytes = bytesOf()
    const model = readModel(bytes)
    const { inputs, outputs } = model.graph
    const doors = [fault('input', inputs, takes), fault('output', outputs, gives)].filter(Boolean)
    if (doors.length > 0) return doors as string[]
    const answer = await trial(bytes, model, takes, gives)
    const counted = inspectModel(model, { [takes.name]: [1, ...takes.dims] }).macs
    const miscounted =
      counted === macs ? undefined : `does ${counted} multiply-adds, the manifest says ${macs}`
    return [answer, miscounted].filter((reason) => reason !== undefined)
  } catch (error) {
    if (!(error instanceof IsthmusError)) throw error
    return [`cannot be used: ${error.message}`]
  }
}

export const verifyCommand: Command = {
  name: 'verify',
  summary: 'check that a bundle is whole, and that its models are what its manifest says',
  help,
  async run(args, output) {
    const { positionals } = parseArgs({ args: [...args], allowPositionals: true, options: {} })
    const bundle = await loadBundle(oneFile(positionals, 'bundle'))
    const faults: string[] = []
    const rows: string[][] = []
    const check = async (what: string, file: ModelFile, bytesOf: () => Uint8Array, expected: Ports) => {
      const wrong = await faultsOf(bytesOf, file.macs, expected)
      for (const reason of wrong) faults.push(`${file.file} (${what}) ${reason}`)
      rows.push([what, file.file, formatBytes(file.bytes), formatCount(file.macs), formatCount(file.params)])
    }
    for (const role of roles) {
      const file = bundle.manifest.models[role]
      const expected = ports(bundle, role)
      if (file && expected) await check(role, file, () => bundle.modelBytes(role), expected)
    }
    const { tasks = [], latent } = bundle.manifest
    for (const { name, labels, decoders } of tasks) {
      for (const decoder of decoders) {
        const gives = { name: 'logits', dims: [labels.length] }
        const bytesOf = () => bundle.decoderBytes(decoder.id)
        await check(`${name} × ${decoder.width}`, decoder, bytesOf, { takes: latent!, gives })
      }
    }
    const headings = ['model', 'file', ' size', ' multiply-adds', ' parameters']
    output.print(`${bundle.id}, ${bundle.manifest.modes.length} modes\n\n${formatTable(headings, rows)}`)
    for (const reason of faults) output.warn(`isthmus-models: ${reason}`)
    if (faults.length === 0)
      output.print('\nEvery file is whole, and every model takes and gives what the manifest says.')
    return faults.length === 0 ? 0 : 1
  },
}
