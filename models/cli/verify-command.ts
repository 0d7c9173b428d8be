import { parseArgs } from 'node:util'
import type { Bundle } from '../bundle/bundle.ts'
import { loadBundle } from '../bundle/load.ts'
import { type ModelRole, roles } from '../bundle/manifest.ts'
import type { Model, ValueInfo } from '../onnx/graph.ts'
import { inspectModel } from '../onnx/inspect.ts'
import { readModel } from '../onnx/read.ts'
import { seededFeeds } from '../onnx/seeded-feeds.ts'
import { openSession } from '../runtime/node.ts'
import type { Tensor } from '../runtime/session.ts'
import { type Command, oneFile } from './command.ts'
import { formatBytes, formatCount, formatTable } from './format.ts'

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

/** What goes into and comes out of each model, as the manifest says. */
function ports(bundle: Bundle, role: ModelRole): { readonly takes: Port; readonly gives: Port } | undefined {
  const { input, output, latent } = bundle.manifest
  const takes = role === 'tail' ? latent : input
  const gives = role === 'head' ? latent : output
  return takes && gives && { takes, gives }
}

const show = ({ name, dims }: Port): string => `"${name}" [${dims}]`

/** Says how a model's one input or output differs from what the manifest says of it. */
function fault(what: string, actual: readonly ValueInfo[], wanted: Port): string | undefined {
  const [value, second] = actual
  if (!value || second) return `has ${actual.length} ${what}s, the manifest knows one: ${show(wanted)}`
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

export const verifyCommand: Command = {
  name: 'verify',
  summary: 'check that a bundle is whole, and that its models are what its manifest says',
  help,
  async run(args, output) {
    const { positionals } = parseArgs({ args: [...args], allowPositionals: true, options: {} })
    const bundle = await loadBundle(oneFile(positionals, 'bundle'))
    const faults: string[] = []
    const rows: string[][] = []
    for (const role of roles) {
      const file = bundle.manifest.models[role]
      const expected = ports(bundle, role)
      if (!file || !expected) continue
      const { takes, gives } = expected
      const model = readModel(bundle.modelBytes(role))
      const wrong: (string | undefined)[] = [
        fault('input', model.graph.inputs, takes),
        fault('output', model.graph.outputs, gives),
      ]
      if (!wrong.some(Boolean)) {
        wrong.push(await trial(bundle.modelBytes(role), model, takes, gives))
        const { macs } = inspectModel(model, { [takes.name]: [1, ...takes.dims] })
        if (macs !== file.macs) wrong.push(`does ${macs} multiply-adds, the manifest says ${file.macs}`)
      }
      for (const reason of wrong) if (reason) faults.push(`${file.file} (${role}) ${reason}`)
      rows.push([role, file.file, formatBytes(file.bytes), formatCount(file.macs), formatCount(file.params)])
    }
    const headings = ['model', 'file', ' size', ' multiply-adds', ' parameters']
    output.print(`${bundle.id}, ${bundle.manifest.modes.length} modes\n\n${formatTable(headings, rows)}`)
    for (const reason of faults) output.warn(`isthmus-models: ${reason}`)
    if (faults.length === 0)
      output.print('\nEvery file is whole, and every model takes and gives what the manifest says.')
    return faults.length === 0 ? 0 : 1
  },
}
