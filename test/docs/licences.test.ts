import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'

interface Locked {
  readonly license?: string
  readonly dev?: boolean
  readonly devOptional?: boolean
  readonly link?: boolean
}

it('no package that comes with the product is under the GPL', async () => {
  const lock = await readFile(new URL('../../../package-lock.json', import.meta.url), 'utf8')
  const { packages } = JSON.parse(lock) as { packages: Record<string, Locked> }
  const shipped = Object.entries(packages).filter(
    ([path, { dev, devOptional, link }]) => path.includes('node_modules/') && !dev && !devOptional && !link,
  )
  expect(shipped.map(([path]) => path)).toContain('node_modules/highs')
  // The LGPL of image libraries, which are loaded as libraries, is another matter.
  const strict = shipped.filter(([, { license = 'none' }]) => /(?<!L)GPL|none/i.test(license))
  expect(strict).toEqual([])
})
