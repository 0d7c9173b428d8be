import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { downloadProgress } from './download-progress.ts'

function output(isTTY: boolean) {
  const stream = Object.assign(new PassThrough(), { isTTY })
  const text = () => {
    let all = ''
    // One read may give one write or all of them, depending on Node's version.
    for (let part = stream.read(); part !== null; part = stream.read()) all += part
    return all
  }
  return { stream, text }
}

describe('download progress', () => {
  it('writes a line per tenth where there is no terminal', () => {
    const { stream, text } = output(false)
    const progress = downloadProgress('Data', stream)
    for (let doneBytes = 0; doneBytes <= 50e6; doneBytes += 1e6) {
      progress.onProgress({ doneBytes, totalBytes: 50e6 })
    }
    progress.stop()
    const lines = text().trimEnd().split('\n')
    expect(lines.length).toBe(11)
    expect(lines[3]).toBe('Data: 15 of 50 MB downloaded')
  })

  it('writes lines without a total when the size is unknown', () => {
    const { stream, text } = output(false)
    const progress = downloadProgress('Data', stream)
    for (let doneBytes = 1e6; doneBytes <= 25e6; doneBytes += 1e6) progress.onProgress({ doneBytes })
    expect(text()).toBe('Data: 1 MB downloaded\nData: 10 MB downloaded\nData: 20 MB downloaded\n')
  })

  it('draws a bar on a terminal, and nothing when nothing was downloaded', () => {
    const { stream, text } = output(true)
    downloadProgress('Data', stream).stop()
    expect(text()).toBe('')
    const progress = downloadProgress('Data', stream)
    progress.onProgress({ doneBytes: 50e6, totalBytes: 100e6 })
    progress.stop()
    expect(text()).toMatch(/Data .* 50 % of 100 MB/)
  })
})
