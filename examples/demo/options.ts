import { parseArgs } from 'node:util'
import { DemoError } from './demo-error.ts'

export interface DemoOptions {
  /** Photographs for each route. */
  readonly frames: number
  /** Frames while the server is cut off. */
  readonly outageFrames: number
  readonly fps: number
  readonly rateBps: number
  /** Round trip: half of it each way. */
  readonly delayMs: number
  readonly deadlineMs: number
}

/** Another demo: photographs that turn foggy and noisy, with and without adaptation. */
export interface WeatherOptions {
  readonly weather: true
  readonly quick: boolean
}

export const helpText = `Usage: npm start -- [options]

Classifies photographs with a network that is split between a device process and an edge server process, over a slow
link, by every route that the bundle offers; then makes the link faster and slower; then has two devices
with different preferences decide on the same link; then kills the server in the middle of a stream and starts it again.

  --frames N      photographs for each route (default 500)
  --fps N         frames that the camera takes in a second (default 16)
  --rate KBIT     rate of the link each way in kbit/s (default 250)
  --delay MS      round trip of the link in ms (default 40)
  --deadline MS   time that each frame has in ms (default 150)
  --quick         40 photographs for each route: a minute and a half in place of six
  --weather       another demo: photographs turn foggy and noisy for two devices, one of which adapts;
                  two minutes, half of one with --quick; takes no other option
  --help          this text

Environment:
  ISTHMUS_BUNDLES   folder with the bundle cifar10 (default: the one that comes with @isthmus/models)
  ISTHMUS_CACHE     folder for downloaded photographs
`

/** Throws a DemoError that names what is wrong with an option. */
export function readOptions(argv: readonly string[]): DemoOptions | WeatherOptions | 'help' {
  const { values } = parse(argv)
  if (values.help) return 'help'
  if (values.weather) {
    const other = Object.keys(values).find((name) => name !== 'weather' && name !== 'quick')
    if (other !== undefined)
      throw new DemoError(`--weather takes no --${other}. npm start -- --help lists the options.`)
    return { weather: true, quick: values.quick ?? false }
  }
  const frames = number(values, 'frames', values.quick ? 40 : 500, 1, 10_000, true)
  const fps = number(values, 'fps', 16, 0.1, 1000)
  return {
    frames,
    // Long enough for the server to come back in the middle of it.
    outageFrames: Math.max(frames, Math.ceil(8 * fps)),
    fps,
    rateBps: 1000 * number(values, 'rate', 250, 1, 10_000_000),
    delayMs: number(values, 'delay', 40, 0, 10_000),
    deadlineMs: number(values, 'deadline', 150, 10, 60_000),
  }
}

function parse(argv: readonly string[]) {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean' } as const
  try {
    return parseArgs({
      args: [...argv],
      options: {
        frames: text,
        fps: text,
        rate: text,
        delay: text,
        deadline: text,
        quick: flag,
        weather: flag,
        help: { ...flag, short: 'h' },
      },
    })
  } catch (error) {
    throw new DemoError(`${(error as Error).message.split('. ')[0]}. npm start -- --help lists the options.`)
  }
}

function number(
  values: Readonly<Record<string, string | boolean | undefined>>,
  name: string,
  fallback: number,
  min: number,
  max: number,
  whole = false,
): number {
  const text = values[name]
  if (text === undefined) return fallback
  const value = Number(text)
  if (text !== '' && value >= min && value <= max && (!whole || Number.isInteger(value))) return value
  throw new DemoError(
    `--${name} takes a ${whole ? 'whole ' : ''}number from ${min} to ${max}, not '${text}'.`,
  )
}
