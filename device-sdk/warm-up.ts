import type { Clock } from './clock.ts'
import type { ModelRunner } from './model-runner.ts'

const RUNS = 6
/** A model this slow is measured by fewer runs before the device is ready. */
const LONG_MS = 500

/** The first run of a model is slow and says nothing; the next few are its first measurements, in ms. */
export async function warmUp(
  model: ModelRunner,
  inputCount: number,
  clock: Clock,
  measured: (elapsedMs: number) => void,
): Promise<void> {
  const tensor = new Float32Array(inputCount)
  const beganMs = clock.now()
  for (let run = 0; run < RUNS; run++) {
    const startMs = clock.now()
    await model.run(tensor)
    const endMs = clock.now()
    if (run > 0) measured(endMs - startMs)
    if (run > 0 && endMs - beganMs > LONG_MS) return
  }
}
