import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const pages = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  ...readdirSync(join(root, 'docs')).flatMap((name) => (name.endsWith('.md') ? [`docs/${name}`] : [])),
]

/** Ids that a page's headings have, as GitHub makes them. */
function anchorsOf(markdown: string): Set<string> {
  const headings = markdown.replace(/```[\s\S]*?```/g, '').matchAll(/^#+ +(.+)$/gm)
  return new Set(
    Array.from(headings, ([, text]) =>
      text!
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  )
}

describe('links of the documents', () => {
  it.each(pages)('%s leads to files and headings that are there', (page) => {
    const text = readFileSync(join(root, page), 'utf8')
    const links = text.replace(/```[\s\S]*?```/g, '').matchAll(/\]\(([^()\s]+)\)/g)
    const dead = Array.from(links, ([, target]) => target!).filter((target) => {
      if (/^[a-z]+:/.test(target)) return false
      const [path, anchor] = target.split('#') as [string, string?]
      const file = path === '' ? join(root, page) : join(root, dirname(page), path)
      if (!existsSync(file)) return true
      return (
        anchor !== undefined && file.endsWith('.md') && !anchorsOf(readFileSync(file, 'utf8')).has(anchor)
      )
    })
    expect(dead).toEqual([])
  })
})
