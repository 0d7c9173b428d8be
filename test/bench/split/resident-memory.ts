import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Part } from '../part.ts'
import { median } from '../statistics.ts'
import { splitModes } from './split-modes.ts'
import type { World } from './world.ts'

const main = fileURLToPath(new URL('./resident-memory-main.js', import.meta.url))

/** Resident set, in bytes, of a fresh process that opens these modes of a bundle and runs each once. */
async function residentBytes(folder: string, modes: readonly number[]): Promise<number> {
  const child = spawn(process.execPath, [main, folder, modes.join(',')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  const [code] = (await once(child, 'close')) as [number | null]
  const bytes = Number(text)
  if (code === 0 && bytes > 0) return bytes
  throw new Error(`The process that opens modes ${modes} ended with code ${code}.`)
}

/** Memory with every mode ready against memory with the one that needs most. */
export async function measureMemory({ bundle, bundles, quick, say }: World): Promise<Part> {
  say('weighing processes that hold one mode, and all')
  const folder = join(bundles, bundle.manifest.name)
  const ids = splitModes(bundle).map(({ id }) => id)
  const alone = quick ? [ids[0]!, ids.at(-1)!] : ids
  const repeats = quick ? 1 : 3
  const weighed = new Map<string, number[]>()
  for (let repeat = 0; repeat < repeats; repeat++) {
    for (const modes of [ids, ...alone.map((id) => [id])]) {
      const key = modes.join(',')
      weighed.set(key, [...(weighed.get(key) ?? []), await residentBytes(folder, modes)])
    }
  }
  const of = (modes: readonly number[]) => median(weighed.get(modes.join(','))!)
  const largest = Math.max(...alone.map((id) => of([id])))
  const none = await residentBytes(folder, [])
  return {
    figures: { allModesRamRatio: of(ids) / largest },
    detail: {
      memory: {
        modes: ids.length,
        repeats,
        allMB: of(ids) / 1e6,
        largestSingleMB: largest / 1e6,
        noneMB: none / 1e6,
      },
    },
  }
}
