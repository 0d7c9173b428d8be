import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DistillationSettings } from './distil.ts'
import { bottleneckError } from './errors.ts'
import { workHint, writable } from './writable.ts'

/** What a run was asked for, and what it decided from times measured then: so a run that goes on decides the same. */
export interface RunRecord {
  readonly asked: string
  readonly settings: DistillationSettings
}

const FILE = 'run.json'

/** The record of the run in this folder; undefined when there is none. Throws WORK_MISMATCH when another run's is there. */
export async function readRun(folder: string, asked: string): Promise<RunRecord | undefined> {
  const text = await readFile(join(folder, FILE), 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const record = parse(text)
  if (record?.asked === asked) return record
  throw bottleneckError(
    'WORK_MISMATCH',
    `${folder} holds ${record ? 'another run (its teacher, photos or options differ)' : 'a damaged run.json'}. Delete it, or name another folder with --work.`,
  )
}

function parse(text: string): RunRecord | undefined {
  try {
    const value = JSON.parse(text) as RunRecord
    return typeof value.asked === 'string' && typeof value.settings?.batch === 'number' ? value : undefined
  } catch {
    return undefined
  }
}

/** Throws WORK_UNWRITABLE. */
export async function writeRun(folder: string, record: RunRecord): Promise<void> {
  const path = join(folder, FILE)
  await writable(path, workHint, async () => {
    await mkdir(folder, { recursive: true })
    await writeFile(`${path}.new`, JSON.stringify(record, null, 1))
    await rename(`${path}.new`, path)
  })
}
