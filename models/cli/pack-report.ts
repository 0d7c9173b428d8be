import { dirname, relative, resolve } from 'node:path'
import type { Manifest, Mode } from '../bundle/manifest.ts'
import type { Calibration } from '../pack/calibrate.ts'
import type { Measurement } from '../pack/try-modes.ts'
import { formatBytes, formatCount, formatRatio, formatShare, formatTable } from './kit/index.ts'
import type { Coding } from './pack-options.ts'

/** Each mode with what it costs and, as far as it was tried, how it answers. */
export function modeTable(manifest: Manifest, measurement: Measurement | undefined): string {
  const agreed = (mode: Mode) => {
    const tally = measurement?.byMode.get(mode.id)
    return tally && measurement ? formatShare(tally.agreed / measurement.photos) : '-'
  }
  const rows = manifest.modes.map((mode) => [
    String(mode.id),
    mode.name,
    mode.route,
    formatBytes(mode.payloadBytes),
    formatCount(mode.headMacs),
    formatCount(mode.tailMacs),
    agreed(mode),
    mode.accuracy === undefined ? '-' : formatShare(mode.accuracy),
  ])
  const headings = [' mode', 'name', 'route', ' sent', ' on device', ' on server', ' agrees', ' right']
  return formatTable(headings, rows).replace(/^/gm, '  ')
}

/** What the columns of the table rest on. */
export function measuredNote(measurement: Measurement | undefined): string {
  if (!measurement) return 'agrees, right: not measured; --photos DIR and --labelled DIR do that.'
  const { photos, labelled } = measurement
  const right = labelled ? '; right: with its class' : '; right: not measured, --labelled DIR does that'
  return `agrees: same best guess as the whole network on ${photos} photos${right}.`
}

const decimal = (value: number): string => value.toPrecision(3)

/** The ranges that were fitted, and what was left outside. */
export const describeCalibrations = (
  calibrations: readonly Calibration[],
  photos: number,
  coding: Coding,
): string =>
  [
    `Range of the values that cross, fitted to ${photos} photos${coding === 'entropy' ? ', as is how often each comes' : ''}:`,
    ...calibrations.map(
      ({ quantizer, low, high, clipPercent }) =>
        `  ${quantizer.bits} bits: ${decimal(low)} to ${decimal(high)}, which leaves out ${clipPercent} % of the values at each end`,
    ),
  ].join('\n')

/** Says when a mode sends more than the photo itself would take. */
export function jpegWarning(modes: readonly Mode[], jpeg75: number, measured: boolean): string | undefined {
  const [widest] = modes.filter(({ route, payloadBytes }) => route === 'split' && payloadBytes > jpeg75)
  if (!widest) return undefined
  const photo = `the photo as JPEG 75 (${formatBytes(jpeg75)}${measured ? '' : ', estimated'})`
  return (
    `Mode ${widest.name} sends ${formatBytes(widest.payloadBytes)}, ${formatRatio(widest.payloadBytes, jpeg75)} than ${photo}. ` +
    'A later cut sends less; a bottleneck must be trained to make a split pay.'
  )
}

/** A path as one types it from here. */
function typed(path: string): string {
  const here = relative('.', resolve(path)) || '.'
  return here.startsWith('.') || here.startsWith('/') ? here : `./${here}`
}

/** The commands that come next: a server and a device, with a deadline that this machine meets. */
export function nextSteps(folder: string, wholeMs: number): string {
  const deadlineMs = Math.max(1000, 500 * Math.ceil(wholeMs / 100))
  return `Next: start the server, here or on another machine (then with --host 0.0.0.0, which lets others in):

  npx isthmus-edge --bundles ${typed(dirname(resolve(folder)))}

and run a device, classify.mjs (broker: the server's machine):

  import { readFile } from 'node:fs/promises'
  import { connectDevice } from '@isthmus/device-sdk'

  const device = await connectDevice({
    id: 'cam-1', broker: 'mqtt://localhost:1883', bundle: '${typed(folder)}',
    deadlineMs: ${deadlineMs}, waitForServerMs: 10_000, onConnectionError: (error) => console.error(error.message),
  })
  for (const file of process.argv.slice(2)) {
    const answer = await device.infer({ data: await readFile(file), encoded: true }, { route: 'split' })
    console.log(file, answer.top[0], 'by', answer.route, answer.fallback ?? '', Math.round(answer.wallMs), 'ms')
  }
  await device.close()

  node classify.mjs photo.jpg

Without { route: 'split' } the device chooses the route itself, frame by frame.`
}
