import { readFile, writeFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { errorsPage } from './errors-page.ts'

const page = new URL('../../../docs/errors.md', import.meta.url)

it('docs/errors.md lists every error code (ISTHMUS_WRITE_DOCS=1 writes it anew)', async () => {
  if (process.env.ISTHMUS_WRITE_DOCS === '1') await writeFile(page, errorsPage())
  expect(await readFile(page, 'utf8')).toBe(errorsPage())
})
