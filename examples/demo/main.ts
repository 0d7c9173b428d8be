import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ShapedLink, shapedLink } from '@isthmus/device-sdk/testing'
import { type Bundle, loadBundle } from '@isthmus/models/bundle'
import { IsthmusError } from '@isthmus/proto'
import { bundlesFolder } from '../bundles-folder.ts'
import { type Photographs, testPhotographs } from '../photographs.ts'
import { playChangingLink, tellChangingLink } from './changing-link.ts'
import { DemoError } from './demo-error.ts'
import { DeviceProcess } from './device-process.ts'
import { EdgeProcess } from './edge-process.ts'
import { nextSteps } from './next-steps.ts'
import { type DemoOptions, helpText, readOptions } from './options.ts'
import type { Answered } from './orders.ts'
import { playOutage, tellOutage } from './outage.ts'
import { fallbackCounts, fromServer, type Outcome, routesTable, type Scene, scenesOf } from './routes.ts'
import { paint, print, show } from './screen.ts'
import { playPreferences, tellPreferences } from './two-preferences.ts'
import { playWeather } from './weather.ts'

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2))
  if (options === 'help') return print(helpText)
  if ('weather' in options) return playWeather(options.quick)
  const folder = join(bundlesFolder(), 'cifar10')
  const bundle = await manifestOf(folder)
  const photographs = await testPhotographs(options.frames)

  let edge = await EdgeProcess.start(folder)
  const link = await linkTo(edge, options)
  const broker = `mqtt://127.0.0.1:${link.port}`
  const { deadlineMs } = options
  const setting = { bundle: folder, deadlineMs, frames: photographs.frames }
  const device = new DeviceProcess({ ...setting, id: 'demo-camera', broker })
  introduce(bundle, options)

  const outcomes: Outcome[] = []
  for (const scene of scenesOf(bundle.manifest)) {
    outcomes.push(await play(scene, device, options))
    await drained(link)
  }
  tellRoutes(outcomes, bundle, photographs, options)

  print(paint('bold', '\nNow the link changes, and the device chooses route and mode for each frame'))
  const phases = await playChangingLink(device, link, options)
  tellChangingLink(phases, bundle.manifest, photographs, options)

  print(paint('bold', '\nNow two devices with different preferences on two such links, at the same time'))
  const twin = await linkTo(edge, options)
  const other = new DeviceProcess({ ...setting, id: 'demo-twin', broker: `mqtt://127.0.0.1:${twin.port}` })
  const players = [
    { device, link },
    { device: other, link: twin },
  ] as const
  tellPreferences(await playPreferences(players, options), bundle.manifest, photographs, options)
  other.close()
  await twin.close()

  print(
    paint(
      'bold',
      `\nNow the server is killed in the middle of ${options.outageFrames} frames, and started again`,
    ),
  )
  const outage = await playOutage(device, edge, folder, options)
  edge = outage.edge
  const kept = tellOutage(outage, options)

  device.close()
  await edge.stop()
  await link.close()
  print(`\n${nextSteps}`)
  if (!kept) throw new DemoError('Not every frame got exactly one answer. Please report this.')
}

async function manifestOf(folder: string): Promise<Bundle> {
  try {
    return await loadBundle(folder, { only: [] })
  } catch (error) {
    if (!(error instanceof IsthmusError)) throw error
    throw new DemoError(`${error.message} ISTHMUS_BUNDLES names another folder of bundles.`)
  }
}

function linkTo({ mqttPort: port }: EdgeProcess, { rateBps, delayMs }: DemoOptions): Promise<ShapedLink> {
  return shapedLink({ target: { port }, uplinkBps: rateBps, downlinkBps: rateBps, delayMs: delayMs / 2 })
}

function introduce({ id }: Bundle, { frames, fps, rateBps, delayMs, deadlineMs }: DemoOptions): void {
  print(paint('bold', `${id}: a device process and an edge server process on this machine`))
  print(
    `  link ${rateBps / 1000} kbit/s each way, round trip ${delayMs} ms; ` +
      `a camera with ${fps} frames/s; each frame has ${deadlineMs} ms`,
  )
  print(`  ${frames} photographs of CIFAR-10's test set by each route\n`)
}

async function play({ name, plan }: Scene, device: DeviceProcess, options: DemoOptions): Promise<Outcome> {
  const { frames, fps } = options
  const answers: Answered[] = []
  const onAnswer = (answered: Answered) => {
    answers.push(answered)
    const { label, wallMs } = answered
    show(`  ${name.padEnd(16)} ${answers.length}/${frames}  ${label}, ${wallMs.toFixed(0)} ms`)
  }
  await device.stream({ frames, fps, ...plan }, { onAnswer })
  const local = answers.filter((answered) => !fromServer(answered)).length
  const where = `${frames - local} answered by the server, ${local} by the device`
  print(`  ${name.padEnd(16)} ${paint('dim', where)}`)
  return { name, answers }
}

/** The next route is not to pay for what the one before has left on the link. */
async function drained(link: ShapedLink): Promise<void> {
  while (link.heldBytes > 0) await sleep(20)
  await sleep(400)
}

function tellRoutes(
  outcomes: readonly Outcome[],
  { manifest: { labels } }: Bundle,
  photographs: Photographs,
  { deadlineMs }: DemoOptions,
): void {
  const labelOf = (index: number) => labels[photographs.labels[index]!]!
  const [header, ...rows] = routesTable(outcomes, labelOf, deadlineMs)
  print()
  print(paint('bold', header!))
  for (const row of rows) print(row)
  print(
    paint(
      'dim',
      'Times in ms, median / 99th percentile. Accuracy with its 95 % interval. Late: after the deadline.',
    ),
  )
  for (const { name, answers } of outcomes) {
    const [most] = fallbackCounts(answers)
    if (!most) continue
    const local = answers.filter(({ fallback }) => fallback).length
    print(
      paint('dim', `${name}: ${local} answered by the device in the server's place (most often ${most[0]}).`),
    )
  }
}

function end(error: unknown): void {
  const expected = error instanceof DemoError || error instanceof IsthmusError
  print(expected ? paint('red', `demo: ${error.message}`) : String((error as Error)?.stack ?? error))
  process.exit(1)
}

process.on('SIGINT', () => process.exit(130))
process.on('SIGTERM', () => process.exit(143))
main().then(() => process.exit(0), end)
