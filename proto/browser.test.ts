import { fileURLToPath } from 'node:url'
import { runInNewContext } from 'node:vm'
import { build } from 'esbuild'
import { describe, expect, it } from 'vitest'
import { decodeMessage } from './decode-message.ts'

describe('in a browser, where there is no Buffer', () => {
  it('writes and reads the same bytes as under Node', async () => {
    const entry = fileURLToPath(new URL('./index.js', import.meta.url))
    const bundle = await build({
      entryPoints: [entry],
      bundle: true,
      platform: 'browser',
      format: 'iife',
      globalName: 'proto',
      write: false,
    })
    const code = `${bundle.outputFiles[0]!.text}
      const packet = proto.encodeMessage({
        envelope: { id: 7, sentUs: 4000000000 },
        body: { kind: 'error', code: 5, detail: 'zu spät 😀 ' + 'é'.repeat(80), retryAfterMs: 20 },
      }, new Uint8Array(300).fill(9))
      const refused = []
      for (const bad of [new Uint8Array(9), packet.subarray(1), packet.subarray(0, 50)]) {
        try { proto.decodeMessage(bad) } catch (error) { refused.push(error.code) }
      }
      JSON.stringify({ packet: Array.from(packet), message: proto.decodeMessage(packet), refused, buffer: typeof Buffer })`
    const result = JSON.parse(runInNewContext(code, { TextDecoder, TextEncoder }) as string)

    expect(result.buffer).toBe('undefined')
    expect(result.refused).toEqual(['BAD_MESSAGE', 'BAD_CHECKSUM', 'BAD_MESSAGE'])
    const here = decodeMessage(Uint8Array.from(result.packet))
    expect(JSON.parse(JSON.stringify(here))).toEqual(result.message)
    expect(here.body).toMatchObject({ kind: 'error', code: 5, detail: `zu spät 😀 ${'é'.repeat(80)}` })
  })
})
