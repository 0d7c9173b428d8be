import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { resultFigures, resultsPage } from './results-page.ts'

const page = new URL('../../../docs/results.md', import.meta.url)
const folder = new URL('../../../docs/figures/', import.meta.url)

const figuresInDocs = async () =>
  (await readdir(folder).catch(() => [])).filter((name) => /^(auction|policy|split)-.*svg$/.test(name))

it('docs/results.md quotes the stored results (ISTHMUS_WRITE_DOCS=1 writes it anew)', async () => {
  if (process.env.ISTHMUS_WRITE_DOCS === '1') await writeFile(page, await resultsPage())
  expect(await readFile(page, 'utf8')).toBe(await resultsPage())
})

it('docs/figures shows the stored results (ISTHMUS_WRITE_DOCS=1 draws them anew)', async () => {
  const figures = await resultFigures()
  if (process.env.ISTHMUS_WRITE_DOCS === '1') {
    await mkdir(folder, { recursive: true })
    for (const name of await figuresInDocs()) await rm(new URL(name, folder))
    for (const [name, svg] of Object.entries(figures)) await writeFile(new URL(name, folder), svg)
  }
  expect((await figuresInDocs()).sort()).toEqual(Object.keys(figures).sort())
  for (const [name, svg] of Object.entries(figures)) {
    expect(await readFile(new URL(name, folder), 'utf8'), name).toBe(svg)
  }
})
