import { channelsOf, leastCodedBytes, payloadLimits, quantizerFault } from '../codec/quantizer.ts'
import { gatesFault } from './gates.ts'
import { filesOf, type Manifest, type Mode } from './manifest.ts'
import { tasksFault } from './tasks.ts'

/** No tensor of a frame may have more elements: nobody allocates more on a manifest's word. */
const mostElements = 2 ** 26

/** Frequency tables of all modes together: each takes some kilobytes where it is used. */
export const MOST_TABLES = 8192

const product = (dims: readonly number[]): number => dims.reduce((all, dim) => all * dim, 1)

const firstTwice = <T>(values: readonly T[]): number =>
  values.findIndex((value, i) => values.indexOf(value) < i)

function modeFault(mode: Mode, { models, latent }: Manifest): string | undefined {
  if (mode.route === 'local') {
    if (!models.local)
      return 'route: a local mode needs models.local (it may be the same file as models.full)'
    return mode.payloadBytes === 0 ? undefined : 'payloadBytes: a local mode sends nothing, so 0'
  }
  if (mode.route === 'edge') {
    const { codec, quality } = mode.image
    if (!models.full) return 'route: an edge mode needs models.full'
    return quality !== undefined && (codec === 'raw' || codec === 'png')
      ? `image.quality: ${codec} loses nothing, so it has no quality`
      : undefined
  }
  const head = mode.head ?? 'head'
  if (!models[head] || !models.tail) return `route: a split mode needs models.${head} and models.tail`
  if (!latent) return 'route: a split mode needs latent'
  const fault = quantizerFault(mode.quantizer)
  if (fault) return `quantizer: ${fault}`
  const { quantizer, payloadBytes } = mode
  if (quantizer.kind === 'entropy') {
    const { tables, neighbours, mostBytes } = quantizer
    const least = leastCodedBytes(product(latent.dims))
    if (mostBytes !== undefined && mostBytes < least) {
      return `quantizer.mostBytes: ${mostBytes} for [${latent.dims}]: at least ${least}`
    }
    const channels = channelsOf(quantizer)
    if (![1, latent.dims[0]].includes(channels)) {
      return `quantizer.tables: ${tables.length} for a latent of [${latent.dims}]: give one, or one for each channel`
    }
    const perChannel = product(latent.dims) / channels
    if (neighbours && perChannel % neighbours.rowLength !== 0) {
      return `quantizer.neighbours: rows of ${neighbours.rowLength} do not fill ${perChannel} values of a channel`
    }
  }
  const { least, most } = payloadLimits(quantizer, product(latent.dims))
  if (payloadBytes >= least && payloadBytes <= most) return undefined
  const range = least === most ? `${most}` : `${least} to ${most}`
  return `payloadBytes: [${latent.dims}] at ${quantizer.bits} bits are ${range} bytes, not ${payloadBytes}`
}

/** What in a manifest of the right shape contradicts itself, as `path: what is wrong`, or nothing. */
export function manifestFault(manifest: Manifest): string | undefined {
  const { input, output, labels, latent, modes } = manifest
  const channels = input.dims[input.layout === 'NCHW' ? 0 : 2]
  if (input.mean.length !== channels) return `input.mean: ${channels} channels need ${channels} values`
  if (input.std.length !== channels) return `input.std: ${channels} channels need ${channels} values`
  for (const [name, dims] of Object.entries({
    input: input.dims,
    output: output.dims,
    latent: latent?.dims ?? [],
  })) {
    if (product(dims) > mostElements) return `${name}.dims: more than ${mostElements} elements`
  }
  if (product(output.dims) !== labels.length) {
    return `output.dims: ${product(output.dims)} values for ${labels.length} labels`
  }
  const files = filesOf(manifest)
  for (const file of files) {
    const same = files.filter((one) => one.file.toLowerCase() === file.file.toLowerCase())
    const other = same.find((one) => one.file !== file.file)
    if (other) return `models: '${file.file}' and '${other.file}' are one file on some systems`
    if (same.some((one) => one.sha256 !== file.sha256))
      return `models: '${file.file}' is named with two hashes`
  }
  const twiceId = firstTwice(modes.map(({ id }) => id))
  if (twiceId >= 0) return `modes[${twiceId}].id: ${modes[twiceId]!.id} is already another mode's`
  const twiceName = firstTwice(modes.map(({ name }) => name))
  if (twiceName >= 0) return `modes[${twiceName}].name: '${modes[twiceName]!.name}' is already another mode's`
  let tables = 0
  for (const [i, mode] of modes.entries()) {
    const fault = modeFault(mode, manifest)
    if (fault) return `modes[${i}].${fault}`
    if (mode.route === 'split' && mode.quantizer.kind === 'entropy') tables += mode.quantizer.tables.length
  }
  if (tables > MOST_TABLES) return `modes: ${tables} frequency tables, more than ${MOST_TABLES}`
  return tasksFault(manifest) ?? gatesFault(manifest)
}
