import { parseArgs } from 'node:util'
import type { Bundle } from '../bundle/bundle.ts'
import { loadBundle } from '../bundle/load.ts'
import { type ModelFile, type ModelRole, roles } from '../bundle/manifest.ts'
import { replyFault } from '../bundle/reply-size.ts'
import { type Command, formatBytes, formatCount, formatTable, oneFile } from './kit/index.ts'
import { faultsOf, type Ports } from './model-faults.ts'

const help = `Usage: isthmus-models verify BUNDLE

Checks a bundle's folder: the manifest, length and SHA-256 of every file, that each model takes and gives what
the manifest says, and that it runs on a random input.

Example:
  isthmus-models verify ./bundles/street

Exit code 1 when anything does not hold.`

/** What goes into and comes out of each model, as the manifest says. */
function ports(bundle: Bundle, role: ModelRole): Ports | undefined {
  const { input, output, latent, filter } = bundle.manifest
  const readsLatent = role === 'tail' || role === 'exit' || (role === 'filter' && filter?.reads === 'latent')
  const takes = readsLatent ? latent : input
  const isHead = role === 'head' || role === 'narrowHead'
  const gives = isHead ? latent : role === 'filter' ? { name: 'interest', dims: [1] } : output
  return takes && gives && { takes, gives }
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
    const unfit = replyFault(bundle.manifest)
    if (unfit !== undefined) faults.push(`${unfit}: no server serves it`)
    const headings = ['model', 'file', ' size', ' multiply-adds', ' parameters']
    output.print(`${bundle.id}, ${bundle.manifest.modes.length} modes\n\n${formatTable(headings, rows)}`)
    for (const reason of faults) output.warn(`isthmus-models: ${reason}`)
    if (faults.length === 0)
      output.print('\nEvery file is whole, and every model takes and gives what the manifest says.')
    return faults.length === 0 ? 0 : 1
  },
}
