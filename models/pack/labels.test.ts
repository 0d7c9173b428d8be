import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { checkLabelCount, labelFinder, parseLabels } from './labels.ts'

const parse = (text: string) => parseLabels(Buffer.from(text))

describe('a file of labels', () => {
  it('has one a line, whatever ends the lines', () => {
    const labels = ['cat', 'great white shark', 'dog']
    expect(parse('\uFEFFcat\r\ngreat white shark \ndog\n\n')).toEqual(labels)
    expect(parse('cat\rgreat white shark\rdog\r')).toEqual(labels)
  })

  it('is refused in another encoding than UTF-8, before a garbled label is in a bundle', () => {
    for (const encoding of ['utf16le', 'latin1'] as const) {
      expect(() => parseLabels(Buffer.from('chat\nécureuil\n', encoding))).toThrow(/save it as UTF-8/)
    }
    expect(() => parseLabels(Buffer.from('cat\ndog\n', 'utf16le'))).toThrow(/save it as UTF-8/)
  })

  it('is refused with the line of a label that is too long for a manifest', () => {
    expect(() => parse(`cat\n${'x'.repeat(201)}\n`)).toThrow(/Line 2 .*201.*200/)
  })

  it('is refused with the number of an empty line', () => {
    expect(() => parse('cat\n\ndog')).toThrow(/Line 2 /)
    expect(() => parse('\n')).toThrow(/empty/)
  })
})

describe('the count of labels', () => {
  const labels = (count: number) => Array.from({ length: count }, (_, i) => `l${i}`)

  it('is that of the outputs, or both are named', () => {
    expect(() => checkLabelCount(labels(10), 10, false)).not.toThrow()
    expect(() => checkLabelCount(labels(10), 12, false)).toThrow(/10 labels, and the network has 12 outputs/)
  })

  it('tells of a background class that is missing, or there twice', () => {
    expect(() => checkLabelCount(labels(1000), 1001, false)).toThrow(/add --background/)
    expect(() => checkLabelCount(labels(1002), 1001, true)).toThrow(
      /1001 in the file.*Leave --background out/,
    )
  })
})

describe('the class of a labelled photo', () => {
  const labels = ['cat', 'great white shark', 'great', 'crane', 'crane']

  it('is its folder, or how its name starts, however that is written', () => {
    const find = labelFinder(labels, false)
    expect(find(join('Great_White-Shark', 'cat.jpg'))).toBe(1)
    expect(find(join('more', 'cat', '17.jpg'))).toBe(0)
    expect(find('cat.2.jpg')).toBe(0)
    expect(find('great-white-shark_012.jpg')).toBe(1)
    expect(find('great 012.jpg')).toBe(2)
  })

  it('is the number of the folder or at the start of the name, without the background', () => {
    const background = labelFinder(['background', ...labels], true)
    expect(background(join('000', 'x.jpg'))).toBe(1)
    expect(background('004_n01494475.jpg')).toBe(5)
    expect(labelFinder(labels, false)('004_n01494475.jpg')).toBe(4)
    expect(labelFinder(['7', '1'], false)('7_0001.jpg')).toBe(0)
  })

  it('is asked for when nothing fits, or two labels do', () => {
    const find = labelFinder(labels, false)
    for (const path of ['caterpillar.jpg', '005.jpg', '12ab.jpg', join('dogs', 'a.jpg')]) {
      expect(() => find(path)).toThrow(path)
    }
    expect(() => find(join('crane', '1.jpg'))).toThrow(/two classes are labelled "crane".*number/)
    expect(find(join('4', '1.jpg'))).toBe(4)
  })
})
