import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { progressOn } from './progress.ts'

/** Something to write to, and what was written. */
function screen(isTTY: boolean) {
  const stream = Object.assign(new PassThrough(), { isTTY })
  const text = () => {
    let all = ''
    // One read may give one write or all of them, depending on Node's version.
    for (let part = stream.read(); part !== null; part = stream.read()) all += part
    return all
  }
  return { stream, text }
}

describe('progress', () => {
  it('is a line per quarter in a log', () => {
    const { stream, text } = screen(false)
    const progress = progressOn(stream)
    for (let done = 1; done <= 100; done++) progress.report('reading', done, 100)
    for (let done = 1; done <= 2; done++) progress.report('trying', done, 2)
    expect(text().split('\n').filter(Boolean)).toEqual([
      'reading: 1 of 100',
      'reading: 25 of 100',
      'reading: 50 of 100',
      'reading: 75 of 100',
      'reading: 100 of 100',
      'trying: 1 of 2',
      'trying: 2 of 2',
    ])
  })

  it('is a bar on a terminal, which ends when it is stopped', () => {
    const { stream, text } = screen(true)
    const progress = progressOn(stream)
    progress.report('reading', 1, 4)
    progress.stop()
    expect(text()).toMatch(/reading .* 4/)
    progress.stop()
    expect(text()).toBe('')
  })

  it('is a bar again after something else was written', () => {
    const { stream, text } = screen(true)
    const progress = progressOn(stream)
    progress.report('reading', 1, 4)
    progress.stop()
    text()
    progress.report('reading', 2, 4)
    progress.stop()
    expect(text()).toMatch(/reading .* 2 of 4/)
  })
})
