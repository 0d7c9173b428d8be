import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { IsthmusError } from '@isthmus/proto'
import type { Bundle } from '../bundle/bundle.ts'
import { loadBundle } from '../bundle/load.ts'
import { filesOf } from '../bundle/manifest.ts'
import { redraftWithTasks } from '../bundle/redraft.ts'
import { replyFault } from '../bundle/reply-size.ts'
import { decodersOf } from '../bundle/tasks.ts'
import { type TaskDraft, writeBundle } from '../bundle/write.ts'
import { parameterCount } from '../onnx/count.ts'
import type { Model } from '../onnx/graph.ts'
import { inspectModel } from '../onnx/inspect.ts'
import { readModelFile } from '../onnx/model-files.ts'
import { writeModel } from '../onnx/write.ts'
import { packError, parseLabels, withPortNames } from '../pack/index.ts'
import { type Command, formatBytes, formatCount, formatTable, oneFile, usageError } from './kit/index.ts'
import { faultsOf } from './model-faults.ts'

const help = `Usage: isthmus-models task BUNDLE --name NAME --labels FILE --decoder FILE,WIDTH,ACCURACY [--decoder ...]
       isthmus-models task BUNDLE --name NAME --remove

Gives a bundle a further task: a question that the server answers from the same latent, by a decoder of its own. A task
may have decoders of several widths, from which a device's preference chooses. A task that has the name is replaced.

  --name NAME       what devices ask for
  --labels FILE     the answers, one a line, in the order of the decoder's output
  --decoder FILE,WIDTH,ACCURACY
                    an ONNX model that takes the bundle's latent and gives logits; its width as a share of the full
                    one (1 for a single decoder), and how often it is right, 0 to 1, on frames that went through the
                    codec. Up to eight
  --remove          takes the task away

Examples:
  isthmus-models task ./bundles/street --name person --labels yes-no.txt --decoder person.onnx,1,0.97
  isthmus-models task ./bundles/street --name person --labels yes-no.txt --decoder wide.onnx,1,0.97 --decoder narrow.onnx,0.5,0.95

The bundle is another one afterwards: devices and servers need the same. Exit code 1 when a decoder does not fit.`

interface Given {
  readonly file: string
  readonly width: number
  readonly accuracy: number
}

function readDecoder(text: string): Given {
  const [accuracy, width, ...file] = text.split(',').reverse()
  const given = {
    file: file.reverse().join(','),
    width: Number(width || Number.NaN),
    accuracy: Number(accuracy || Number.NaN),
  }
  if (given.file === '' || Number.isNaN(given.width) || Number.isNaN(given.accuracy))
    throw usageError(`--decoder ${text} is not FILE,WIDTH,ACCURACY, such as person.onnx,1,0.97.`)
  return given
}

const readDecoderFile = (file: string): Promise<Model> =>
  readModelFile(file).catch((error) => {
    if (!(error instanceof IsthmusError)) throw error
    throw new IsthmusError(error.code, `The decoder ${file}: ${error.message}`, { cause: error })
  })

/** The decoder's number among those of its task, or the next that gives a file which nothing else is, on any system. */
function freeFile(name: string, number: number, taken: Set<string>): string {
  const file = `tasks/${name}-${number}.onnx`
  if (taken.has(file.toLowerCase())) return freeFile(name, number + 1, taken)
  taken.add(file.toLowerCase())
  return file
}

/** The first number on the wire that no other decoder has; taken from then on. */
function freeId(taken: Set<number>): number {
  let id = 1
  while (taken.has(id)) id++
  taken.add(id)
  return id
}

/** The decoders, tried on a random latent. Throws CANNOT_PACK naming what does not fit. */
async function decodersFor(
  bundle: Bundle,
  name: string,
  labels: readonly string[],
  given: readonly Given[],
): Promise<{ readonly decoders: TaskDraft['decoders']; readonly files: Record<string, Uint8Array> }> {
  const { latent } = bundle.manifest
  if (!latent)
    throw packError('CANNOT_PACK', `${bundle.id} has no latent that a task could be answered from.`)
  const others = { tasks: (bundle.manifest.tasks ?? []).filter((task) => task.name !== name) }
  const ids = new Set(decodersOf(others).map(({ id }) => id))
  const taken = new Set(
    filesOf({ models: bundle.manifest.models, ...others }).map(({ file }) => file.toLowerCase()),
  )
  const decoders: TaskDraft['decoders'] = []
  const files: Record<string, Uint8Array> = {}
  for (const [at, { file, width, accuracy }] of given.entries()) {
    const own = await readDecoderFile(file)
    const { inputs, outputs } = own.graph
    if (inputs.length !== 1 || outputs.length !== 1) {
      const has = `${inputs.length} inputs and ${outputs.length} outputs, not one of each`
      throw packError('CANNOT_PACK', `The decoder ${file} has ${has}.`)
    }
    const model = withPortNames(own, latent.name, 'logits')
    const bytes = writeModel(model)
    const gives = { name: 'logits', dims: [labels.length] }
    const [fault] = await faultsOf(() => bytes, undefined, { takes: latent, gives })
    if (fault !== undefined) throw packError('CANNOT_PACK', `The decoder ${file} ${fault}.`)
    const { macs } = inspectModel(model, { [latent.name]: [1, ...latent.dims] })
    const params = parameterCount(model.graph)
    const inBundle = freeFile(name, at + 1, taken)
    files[inBundle] = bytes
    decoders.push({ file: inBundle, macs, params, id: freeId(ids), width, accuracy })
  }
  return { decoders, files }
}

/** As JavaScript writes it in front of a colon. */
const asKey = (name: string): string => (/^[A-Za-z]\w*$/.test(name) ? name : `'${name}'`)

export const taskCommand: Command = {
  name: 'task',
  summary: 'give a bundle a further task, answered from the same latent',
  help,
  async run(args, output) {
    const { positionals, values } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        name: { type: 'string' },
        labels: { type: 'string' },
        decoder: { type: 'string', multiple: true, default: [] },
        remove: { type: 'boolean', default: false },
      },
    })
    const dir = oneFile(positionals, 'bundle')
    const { name, labels: labelsFile, decoder, remove } = values
    if (name === undefined) throw usageError('Say which task: --name NAME.')
    if (remove === (labelsFile !== undefined || decoder.length > 0) || (!remove && labelsFile === undefined))
      throw usageError('A task needs --labels FILE and --decoder FILE,WIDTH,ACCURACY; or --remove alone.')
    const given = decoder.map(readDecoder)
    if (!remove && given.length === 0) throw usageError('A task needs at least one --decoder.')

    const bundle = await loadBundle(dir)
    const before = bundle.manifest.tasks ?? []
    const tasks: TaskDraft[] = before.filter((task) => task.name !== name)
    if (remove && tasks.length === before.length)
      throw packError('CANNOT_PACK', `${bundle.id} has no task "${name}".`)
    let added: Record<string, Uint8Array> = {}
    if (labelsFile !== undefined) {
      const text = await readFile(labelsFile).catch((cause: Error) => {
        throw packError('LABELS_MISMATCH', `Cannot read the labels "${labelsFile}": ${cause.message}.`)
      })
      const labels = parseLabels(text)
      const { decoders, files } = await decodersFor(bundle, name, labels, given)
      tasks.push({ name, labels, decoders })
      added = files
    }
    const { draft, files } = redraftWithTasks(bundle, tasks, added)
    // To take a task away is a way out of too many.
    const unfit = remove ? undefined : replyFault(draft)
    if (unfit !== undefined) throw packError('CANNOT_PACK', `No server would serve it: ${unfit}.`)
    const written = await writeBundle(dir, draft, files)

    const rows = (written.manifest.tasks ?? []).flatMap((task) =>
      task.decoders.map(({ width, bytes, macs, accuracy }) => [
        task.name,
        String(width),
        formatBytes(bytes),
        formatCount(macs),
        `${(100 * accuracy).toFixed(1)} %`,
      ]),
    )
    const table = formatTable(['task', ' width', ' size', ' multiply-adds', ' accuracy'], rows)
    output.print(rows.length > 0 ? `${written.id}\n\n${table}` : `${written.id} has no further tasks.`)
    if (!remove)
      output.print(
        `\nNext: connectDevice({ ..., tasks: { preference: { ${asKey(name)}: 1 } } }); see docs/tasks.md.`,
      )
    return 0
  },
}
