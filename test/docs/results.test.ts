import { readFile, writeFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { resultsPage } from './results-page.ts'

const page = new URL('../../../docs/results.md', import.meta.url)

it('docs/results.md quotes the stored results (ISTHMUS_WRITE_DOCS=1 writes it anew)', async () => {
  if (process.env.ISTHMUS_WRITE_DOCS === '1') await writeFile(page, await resultsPage())
  expect(await readFile(page, 'utf8')).toBe(await resultsPage())
})
