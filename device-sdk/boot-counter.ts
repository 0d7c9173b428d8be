import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { deviceError } from './errors.ts'

/**
 * Counts the starts of a device in `<stateDir>/boot`. A missing or damaged file starts again at the seconds of the
 * wall clock, so that the number still grows. Throws STATE_UNWRITABLE.
 */
export async function nextBoot(stateDir: string, wallSeconds: number): Promise<number> {
  const file = join(stateDir, 'boot')
  const text = await readFile(file, 'utf8').catch(() => '')
  const last = /^\d{1,10}$/.test(text.trim()) ? Number(text) : Math.floor(wallSeconds)
  const boot = (last + 1) >>> 0
  try {
    await mkdir(stateDir, { recursive: true })
    // On the disk before the name points to it: a power cut leaves the old number or the new one.
    await writeFile(`${file}.new`, `${boot}\n`, { flush: true })
    await rename(`${file}.new`, file)
  } catch (error) {
    throw deviceError('STATE_UNWRITABLE', `The boot counter ${file} cannot be written.`, error)
  }
  return boot
}
