import { Presets, SingleBar } from 'cli-progress'

/** Long work made visible. */
export interface Progress {
  /** `done` of `total` parts of `what` are done; another `what` is another piece of work. `note` says how it goes. */
  report(what: string, done: number, total: number, note?: string): void
  /** Ends the bar, also of work that was given up. */
  stop(): void
}

/** A bar with the time left on a terminal, and a line per quarter elsewhere, where a bar would fill a log. */
export function progressOn(output: NodeJS.WritableStream & { isTTY?: boolean }): Progress {
  let current = ''
  let bar: SingleBar | undefined
  let shownQuarter = -1
  const stop = () => {
    bar?.stop()
    bar = undefined
  }
  return {
    report(what, done, total, note = '') {
      const isNew = what !== current
      if (isNew) {
        stop()
        current = what
        shownQuarter = -1
      }
      // Something else may have been written in between, and ended the bar.
      if (output.isTTY && !bar) {
        const format = `${what} {bar} {value} of {total}, {eta_formatted} left {note}`
        bar = new SingleBar({ format, stream: output, hideCursor: true }, Presets.shades_classic)
        bar.start(total, isNew ? 0 : done, { note })
      }
      const quarter = Math.floor((4 * done) / total)
      if (bar) bar.update(done, { note })
      else if (!output.isTTY && quarter !== shownQuarter)
        output.write(`${what}: ${done} of ${total}${note && `, ${note}`}\n`)
      shownQuarter = quarter
      if (done === total) stop()
    },
    stop,
  }
}
