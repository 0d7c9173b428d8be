import { fileURLToPath } from 'node:url'
import { runInNewContext } from 'node:vm'
import { build } from 'esbuild'
import { expect, it } from 'vitest'

const entry = fileURLToPath(new URL('./index.js', import.meta.url))

it('serving needs nothing of Node, and decides and falls back in a browser as well', async () => {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    platform: 'browser',
    format: 'iife',
    globalName: 'serve',
    write: false,
  })
  const code = `${outputFiles[0]!.text}
    const mode = (mode, deviceMs, energyJ) =>
      ({ mode, route: 'local', accuracy: 0.9, payloadBytes: 0, deviceMs, serverMs: 0, energyJ })
    const observe = (preference) => ({
      nowMs: 0, deadlineMs: 100, online: false, creditsLeft: 0, preference,
      modes: [mode(1, 10, 0.05), mode(2, 40, 0.01)],
    })
    const weighted = serve.weightedPolicy()
    const broken = { name: 'broken', evaluations: 0, begin() {}, act() { throw new Error('broken') } }
    const served = serve.fromEnvironmentPolicy(broken, { fallback: weighted })
    JSON.stringify({
      modes: [{ delay: 1 }, { energy: 1 }].map((preference) => weighted.decide(observe(preference)).mode),
      instead: served.decide(observe({ energy: 1 })).mode,
      counts: served.counts,
      process: typeof process,
    })`
  const result = JSON.parse(runInNewContext(code, { TextDecoder, TextEncoder }) as string)
  expect(result).toMatchObject({
    modes: [1, 2],
    instead: 2,
    counts: { threw: 1, fallbacks: 1 },
    process: 'undefined',
  })
})
