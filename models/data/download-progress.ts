import cliProgress from 'cli-progress'
import { type Cifar10, type LoadOptions, loadCifar10 } from './cifar10.ts'
import type { FetchProgress } from './package-files.ts'

/** Where progress is shown; `process.stderr` is one. */
export interface ProgressOutput extends NodeJS.WritableStream {
  isTTY?: boolean
}

/** A download made visible. */
export interface DownloadProgress {
  onProgress: (progress: FetchProgress) => void
  /** Ends the bar; nothing is shown when there was no progress. */
  stop(): void
}

/**
 * Shows a download as a bar on a terminal, and as a line per tenth (or per 10 MB when the size is unknown)
 * elsewhere, where a bar would fill a log.
 */
export function downloadProgress(title: string, output: ProgressOutput = process.stderr): DownloadProgress {
  return output.isTTY ? bar(title, output) : lines(title, output)
}

/** {@link loadCifar10} with its download shown on stderr. Silent when the data is in the cache. */
export async function loadCifar10WithProgress(
  options: LoadOptions = {},
  output: ProgressOutput = process.stderr,
): Promise<Cifar10> {
  const progress = downloadProgress('CIFAR-10', output)
  try {
    return await loadCifar10({
      ...options,
      onProgress: (done) => {
        progress.onProgress(done)
        options.onProgress?.(done)
      },
    })
  } finally {
    progress.stop()
  }
}

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(0)

function bar(title: string, stream: NodeJS.WritableStream): DownloadProgress {
  const shown = new cliProgress.SingleBar(
    {
      format: `${title} {bar} {percentage} % of {totalMb} MB, {eta_formatted} left`,
      stream,
      hideCursor: true,
    },
    cliProgress.Presets.shades_classic,
  )
  let started = false
  return {
    onProgress: ({ doneBytes, totalBytes = 0 }) => {
      if (!started) shown.start(totalBytes, 0, { totalMb: megabytes(totalBytes) })
      started = true
      shown.update(doneBytes)
    },
    stop: () => {
      if (started) shown.stop()
    },
  }
}

function lines(title: string, output: NodeJS.WritableStream): DownloadProgress {
  let lastStep = -1
  return {
    onProgress: ({ doneBytes, totalBytes }) => {
      const step = Math.floor(totalBytes ? (10 * doneBytes) / totalBytes : doneBytes / 10e6)
      if (step === lastStep) return
      lastStep = step
      const total = totalBytes ? ` of ${megabytes(totalBytes)}` : ''
      output.write(`${title}: ${megabytes(doneBytes)}${total} MB downloaded\n`)
    },
    stop: () => undefined,
  }
}
