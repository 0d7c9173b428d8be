import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { loadBundle } from '@isthmus/models/bundle'
import { expect, it } from 'vitest'

const inRepository = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url))

it("docs/tasks.md quotes the decoders of bundle cifar10, and the tail's accuracy at the finest mode", async () => {
  const { manifest } = await loadBundle(inRepository('models/bundles/cifar10'), { only: [] })
  const page = await readFile(inRepository('docs/tasks.md'), 'utf8')
  const rows = manifest.tasks!.flatMap(({ name, decoders }) =>
    decoders.map(
      ({ width, macs, accuracy }) =>
        `| \`${name}\` | ${width} | ${Math.round(macs / 1000)} k | ${(100 * accuracy).toFixed(1)} % |`,
    ),
  )
  const [, table] = page.split('|---|---|---|---|\n')
  expect(table!.split('\n').slice(0, rows.length + 1)).toEqual([...rows, ''])
  const finest = manifest.modes.find(({ route }) => route === 'split')!
  expect(page).toContain(`${(100 * finest.accuracy!).toFixed(1)} %`)
})
