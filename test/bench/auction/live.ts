import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { AuctionHouse } from '@isthmus/edge-server/market'
import type { Part } from '../part.ts'
import type { FigureSpec, SuiteContext } from '../suite.ts'
import { LiveBidders } from './live-bidders.ts'
import { Storm, type StormReport } from './storm/storm.ts'

export const liveFigures: readonly FigureSpec[] = [
  {
    name: 'roundMsP99',
    meaning:
      'ms from the close of a live round to the last award delivered, 1,000 bidders over the broker, 99th percentile',
    target: { atMost: 250 },
    kind: 'speed',
  },
  {
    name: 'doubleAllocations',
    meaning: 'capacity given away twice in 10,000 rounds with crashes of auctioneer, servers and devices',
    target: { atMost: 0 },
    kind: 'result',
  },
  {
    name: 'lostLeases',
    meaning: 'leases in these rounds that were promised and not kept',
    target: { atMost: 0 },
    kind: 'result',
  },
]

const BIDDERS = 1000
const ROUND_MS = 2000
/** Room for about a quarter of what the bidders ask for, so that hundreds win in a round and pay. */
const OFFER = { cpu: 160, memory: 320, bandwidth: 3200 }
/** Rounds before those that are measured. */
const WARM_UP = 5

/** A market of real processes for its speed, and one in a storm for its promises. */
export async function measureLive(context: SuiteContext): Promise<Part> {
  const rounds = await measureRounds(context)
  const storm = await measureStorm(context)
  const { doubleAllocations, lostLeases } = storm
  const took = rounds.tookMs.toSorted((a, b) => a - b)
  const atShare = (share: number) => took[Math.min(took.length - 1, Math.ceil(share * took.length) - 1)]
  return {
    figures: { roundMsP99: atShare(0.99), doubleAllocations, lostLeases },
    detail: {
      live: {
        bidders: BIDDERS,
        rounds: took.length,
        p50Ms: atShare(0.5),
        p95Ms: atShare(0.95),
        maxMs: atShare(1),
        clearingP50Ms: rounds.clearingMs.toSorted((a, b) => a - b)[Math.floor(rounds.clearingMs.length / 2)],
        wonMean: rounds.won.reduce((sum, won) => sum + won, 0) / rounds.won.length,
      },
      storm: { ...storm, ended: { ...storm.ended } },
    },
  }
}

async function measureStorm({ quick, say }: SuiteContext): Promise<StormReport> {
  const rounds = quick ? 300 : 10_000
  say(`auction: a market in a storm, ${rounds} rounds`)
  const house = new AuctionHouse({
    payment: 'critical',
    prices: { least: 0, most: 100 },
    loads: () => new Map(),
    timeLimitMs: 1000,
  })
  return new Storm({
    seed: 20_260,
    rounds,
    servers: 3,
    devices: 12,
    clear: (market) => house.clear(market),
  }).run()
}

interface Rounds {
  readonly tookMs: number[]
  readonly clearingMs: number[]
  readonly won: number[]
}

async function measureRounds({ quick, say, bundles }: SuiteContext): Promise<Rounds> {
  const folder = await mkdtemp(join(tmpdir(), 'isthmus-market-'))
  const daemon = await MarketDaemon.start(join(bundles, 'cifar10'), folder)
  const measured: Rounds = { tookMs: [], clearingMs: [], won: [] }
  try {
    const bidders = await LiveBidders.connect(daemon.port, BIDDERS, 7)
    say(`auction: ${BIDDERS} bidders are connected`)
    for (let round = -WARM_UP; round < (quick ? 3 : 100); round++) {
      // Bids are in well before the round is closed.
      await daemon.nextClose()
      const cleared = daemon.nextRound(BIDDERS)
      const { lastMs, won } = await bidders.round()
      const { closedMs, tookMs } = await cleared
      if (round < 0) continue
      measured.tookMs.push(lastMs - closedMs)
      measured.clearingMs.push(tookMs)
      measured.won.push(won)
    }
    await bidders.close()
  } finally {
    await daemon.stop()
    await rm(folder, { recursive: true, force: true })
  }
  return measured
}

interface ClearedRound {
  /** On the wall clock. */
  readonly closedMs: number
  readonly tookMs: number
}

/** `isthmus-edge --market` as a process of its own, and what it logs of its rounds. */
class MarketDaemon {
  readonly port: number
  readonly #child: ChildProcess
  #lastClosedMs = 0
  #waiting: { readonly bids: number; resolve(round: ClearedRound): void }[] = []

  private constructor(child: ChildProcess, port: number) {
    this.#child = child
    this.port = port
  }

  static async start(bundle: string, marketDir: string): Promise<MarketDaemon> {
    const config = join(marketDir, 'config.json')
    await writeFile(config, JSON.stringify({ offer: OFFER }))
    const program = fileURLToPath(new URL('main.js', import.meta.resolve('@isthmus/edge-server')))
    const ports = ['--mqtt-port', '0', '--http-port', 'off', '--ws-port', 'off', '--workers', '1']
    const market = ['--market', 'critical', '--market-dir', marketDir, '--round-ms', `${ROUND_MS}`]
    const limits = ['--max-connections', '2000', '--queue', '4096', '--log-level', 'debug']
    const flags = ['--config', config, '--bundles', bundle, ...ports, ...market, ...limits]
    const child = spawn(process.execPath, [program, ...flags], { stdio: ['ignore', 'pipe', 'inherit'] })
    return new Promise((resolve, reject) => {
      let daemon: MarketDaemon | undefined
      child.once('close', (code) => reject(new Error(`isthmus-edge ended with ${code}`)))
      createInterface({ input: child.stdout! }).on('line', (line) => {
        const entry = JSON.parse(line)
        if (entry.msg === 'ready') {
          daemon = new MarketDaemon(child, entry.mqttPort)
          resolve(daemon)
        } else if (entry.msg === 'round cleared' && daemon) daemon.#onCleared(entry)
      })
    })
  }

  /** Just after a round was closed; at once where none was lately. */
  async nextClose(): Promise<void> {
    const phaseMs = (Date.now() - this.#lastClosedMs) % ROUND_MS
    if (this.#lastClosedMs === 0 || phaseMs < ROUND_MS / 3) return
    await new Promise((resolve) => setTimeout(resolve, ROUND_MS - phaseMs + 50))
  }

  /** The next round with so many bids; of one that was split, the last part. */
  nextRound(bids: number): Promise<ClearedRound> {
    return new Promise((resolve) => this.#waiting.push({ bids, resolve }))
  }

  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.#child.removeAllListeners('close')
      this.#child.once('close', () => resolve())
      this.#child.kill('SIGKILL')
    })
  }

  #onCleared({ time, tookMs, bids }: { time: number; tookMs: number; bids: number }): void {
    this.#lastClosedMs = time - tookMs
    const next = this.#waiting[0]
    if (next === undefined) return
    const left = next.bids - bids
    this.#waiting.shift()
    if (left > 0) this.#waiting.unshift({ ...next, bids: left })
    else next.resolve({ closedMs: time - tookMs, tookMs })
  }
}
