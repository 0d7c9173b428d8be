/** How far a training run is. */
export interface TrainingProgress {
  readonly phase: string
  readonly step: number
  readonly steps: number
  /** Mean loss since the last report. */
  readonly loss: number
  readonly itemsPerSecond: number
  readonly secondsLeft: number
}

/** `1 h 05 min`, `3 min 20 s`, `12 s`. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  const pad = (value: number) => String(value).padStart(2, '0')
  if (whole >= 3600) return `${Math.floor(whole / 3600)} h ${pad(Math.floor((whole % 3600) / 60))} min`
  if (whole >= 60) return `${Math.floor(whole / 60)} min ${pad(whole % 60)} s`
  return `${whole} s`
}
