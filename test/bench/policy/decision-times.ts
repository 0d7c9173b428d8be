import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { PolicyNetwork } from '@isthmus/policies/gmorl'
import { build } from 'esbuild'
import { chromium } from 'playwright-core'
import { decisionTimes } from './time-decisions.ts'

/** Times of decisions in ms. */
export interface DecisionTimes {
  readonly p50: number
  readonly p99: number
  readonly decisions: number
}

/** On this thread. */
export function timesInNode({ shape, weights }: PolicyNetwork, quick: boolean): DecisionTimes {
  return decisionTimes(shape, Object.fromEntries(weights), episodesOf(quick))
}

const episodesOf = (quick: boolean) => (quick ? 30 : 300)

/** In headless Chromium, whose clock tells tenths of a millisecond; says why where there is none. */
export async function timesInBrowser(
  network: PolicyNetwork,
  quick: boolean,
): Promise<DecisionTimes | string> {
  const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'
  if (!existsSync(executablePath)) return `no Chromium at ${executablePath} (set CHROMIUM)`
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('./time-decisions.js', import.meta.url))],
    bundle: true,
    platform: 'browser',
    format: 'iife',
    globalName: 'bench',
    write: false,
    logLevel: 'error',
  })
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
  try {
    const page = await browser.newPage()
    await page.addScriptTag({ content: outputFiles[0]!.text })
    const weights = Object.fromEntries([...network.weights].map(([name, values]) => [name, [...values]]))
    // A string, for it runs in the page.
    return (await page.evaluate(
      `bench.decisionTimes(${JSON.stringify(network.shape)}, ${JSON.stringify(weights)}, ${episodesOf(quick)})`,
    )) as DecisionTimes
  } finally {
    await browser.close()
  }
}
