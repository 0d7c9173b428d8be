import { Presets, SingleBar } from 'cli-progress'
import { formatDuration, type TrainingProgress } from './progress.ts'

/** Shows training progress: a bar on a terminal, else a line about every twentieth of the way. */
export function trainingProgressBar(output: NodeJS.WriteStream = process.stderr): {
  report(progress: TrainingProgress): void
  stop(): void
} {
  let phase = ''
  let bar: SingleBar | undefined
  let nextLine = 0
  const describe = ({ loss, itemsPerSecond, secondsLeft }: TrainingProgress) => ({
    loss: loss.toPrecision(4),
    speed: `${Math.round(itemsPerSecond)} images/s`,
    left: formatDuration(secondsLeft),
  })
  const stop = () => {
    bar?.stop()
    bar = undefined
  }
  return {
    report(progress) {
      if (progress.phase !== phase) {
        stop()
        phase = progress.phase
        nextLine = 0
        if (output.isTTY) {
          const format = `${phase} {bar} {percentage} % | loss {loss} | {speed} | {left} left`
          bar = new SingleBar({ format, stream: output, hideCursor: true }, Presets.shades_classic)
          bar.start(progress.steps, 0, describe(progress))
        }
      }
      const { loss, speed, left } = describe(progress)
      if (bar) bar.update(progress.step, { loss, speed, left })
      else if (progress.step >= nextLine || progress.step === progress.steps) {
        output.write(
          `${phase}: step ${progress.step} of ${progress.steps}, loss ${loss}, ${speed}, ${left} left\n`,
        )
        nextLine = progress.step + progress.steps / 20
      }
    },
    stop,
  }
}
