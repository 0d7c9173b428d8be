import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { type Browser, chromium } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { writeTinyBundle } from './bundle.test.kit.ts'
import { connectDevice } from './connect.ts'
import { MiniEdge } from './mini-edge.test.kit.ts'

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'
const missing = !existsSync(executablePath)
if (missing) console.warn(`browser smoke test skipped: no Chromium at ${executablePath} (set CHROMIUM)`)

/** What runs in the page. */
const page = `
import { connectDevice } from './dist/browser.js'
globalThis.run = async (options, pixels, png) => {
  const device = await connectDevice(options)
  const frame = { data: Uint8Array.from(pixels), width: 4, height: 4 }
  const answers = []
  for (const route of ['local', 'split']) answers.push(await device.infer(frame, { route }))
  answers.push(await device.infer({ data: Uint8Array.from(png), encoded: true }, { route: 'local' }))
  const large = { data: new Uint8Array(9 * 7 * 3).fill(51), width: 9, height: 7 }
  answers.push(await device.infer(large, { route: 'local' }))
  await device.close()
  return answers.map((answer) => ({ ...answer, output: [...answer.output] }))
}
`

const types: Record<string, string> = { wasm: 'application/wasm', js: 'text/javascript', html: 'text/html' }

describe.skipIf(missing)('in headless Chromium', () => {
  let edge: MiniEdge
  let server: Server
  let browser: Browser
  let origin: string
  let dir: string

  beforeAll(async () => {
    const tiny = await writeTinyBundle()
    dir = tiny.dir
    edge = await MiniEdge.open(tiny.bundle)
    const root = fileURLToPath(new URL('..', import.meta.url))
    const built = await build({
      stdin: { contents: page, resolveDir: root },
      bundle: true,
      write: false,
      format: 'esm',
      platform: 'browser',
      logLevel: 'error',
    })
    const ortWeb = dirname(createRequire(import.meta.url).resolve('onnxruntime-web/wasm'))
    const wasm = await readFile(join(ortWeb, 'ort-wasm-simd-threaded.wasm'))
    const files: Record<string, Uint8Array> = {
      '/': Buffer.from('<!doctype html><script type="module" src="/page.js"></script>'),
      '/page.js': built.outputFiles[0]!.contents,
      '/ort.wasm': wasm,
    }
    for (const file of ['manifest.json', 'local.onnx', 'head.onnx']) {
      files[`/bundle/${file}`] = await readFile(join(dir, file))
    }
    server = createServer((request, response) => {
      const file = files[request.url ?? '']
      const type =
        types[
          basename(request.url || '.html')
            .split('.')
            .at(-1) || 'html'
        ] ?? 'text/html'
      response.writeHead(file ? 200 : 404, { 'content-type': type }).end(file)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    origin = `http://127.0.0.1:${(server.address() as { port: number }).port}`
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
  })
  afterAll(async () => {
    await browser?.close()
    server?.close()
    await edge?.close()
  })

  test('the same bundle gives the same answers as under Node, on its own and through the server', async () => {
    const pixels = Array.from({ length: 48 }, (_, i) => (i * 53) % 256)
    const { default: sharp } = await import('sharp')
    const background = '#336699'
    const png = await sharp({ create: { width: 40, height: 40, channels: 3, background } })
      .png()
      .toBuffer()

    const node = await connectDevice({
      id: 'node-1',
      bundle: dir,
      broker: `mqtt://127.0.0.1:${edge.port}`,
      waitForServerMs: 10_000,
      deadlineMs: 5000,
    })
    const frame = { data: Uint8Array.from(pixels), width: 4, height: 4 }
    const expected = [
      await node.infer(frame, { route: 'local' }),
      await node.infer(frame, { route: 'split' }),
      await node.infer({ data: png, encoded: true }, { route: 'local' }),
      await node.infer({ data: new Uint8Array(48).fill(51), width: 4, height: 4 }, { route: 'local' }),
    ]
    await node.close()

    const tab = await browser.newPage()
    const complaints: string[] = []
    tab.on('pageerror', (error) => complaints.push(error.message))
    await tab.goto(origin)
    await tab.waitForFunction('globalThis.run')
    const broker = `ws://127.0.0.1:${edge.wsPort}`
    const options = {
      id: 'tab-1',
      bundle: '/bundle',
      broker,
      wasmUrl: '/ort.wasm',
      waitForServerMs: 10_000,
      deadlineMs: 5000,
    }
    const call = `run(${JSON.stringify(options)}, ${JSON.stringify(pixels)}, ${JSON.stringify([...png])})`
    const answers = (await tab.evaluate(call)) as { route: string; output: number[]; fallback?: string }[]
    expect(complaints).toEqual([])
    expect(answers.map(({ route, fallback }) => fallback ?? route)).toEqual([
      'local',
      'split',
      'local',
      'local',
    ])
    for (const [i, answer] of answers.entries()) {
      for (const [j, value] of answer.output.entries()) expect(value).toBeCloseTo(expected[i]!.output[j]!, 3)
    }
  })

  test('a broker that a browser cannot reach, or a bundle that is not there, is an error at once', async () => {
    const tab = await browser.newPage()
    await tab.goto(origin)
    await tab.waitForFunction('globalThis.run')
    const attempt = (options: object) =>
      tab.evaluate(`run(${JSON.stringify(options)}).catch((error) => error.code)`)
    expect(await attempt({ id: 'tab-2', bundle: '/bundle', broker: 'mqtt://127.0.0.1' })).toBe('BAD_OPTIONS')
    expect(await attempt({ id: 'tab-2', bundle: '/nowhere' })).toBe('BUNDLE_UNREACHABLE')
  })
})
