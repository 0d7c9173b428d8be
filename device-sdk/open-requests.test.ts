import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Ticket } from './exchange.ts'
import { OpenRequests } from './open-requests.ts'
import { VirtualClock } from './world.test.kit.ts'

const GRACE_MS = 250

interface Asked {
  /** When it ends it asks so many more. */
  readonly again: number
  ticket?: Ticket
  id?: number
  /** 'reply', a code, or 'given up'. */
  readonly ends: string[]
}

/** Requests, and a server that has those which it was sent and has not answered. */
class Play {
  readonly clock = new VirtualClock()
  readonly asked: Asked[] = []
  readonly #sent: Asked[] = []
  readonly #server = new Map<number, { givenUpMs?: number }>()
  credits = 2
  refuses = false
  isFull = false
  readonly requests = new OpenRequests({
    clock: this.clock,
    credits: () => this.credits,
    refusalOf: () => (this.refuses ? 'SERVER_BUSY' : undefined),
    transmit: (question) => {
      if (this.isFull) return 'LINK_BACKED_UP'
      expect(this.#atServer()).toBeLessThan(this.credits)
      const asked = this.asked[question.deadlineAtMs]!
      expect(asked.ends).toEqual([])
      const id = this.#sent.push(asked)
      asked.id = id
      this.#server.set(id, {})
      return { id, sentMs: this.clock.now(), sentUs: 10 * id, bytesUp: 100 + id }
    },
    onGivenUp: ({ id }, nowMs) => this.#server.set(id, { givenUpMs: nowMs }),
  })

  ask(again: number): void {
    const asked: Asked = { again, ends: [] }
    // A question's deadline is its name here.
    const deadlineAtMs = this.asked.push(asked) - 1
    const question = { mode: 1, route: 'edge', payload: new Uint8Array(1), deadlineAtMs } as const
    const answer = this.requests.ask(question, {
      onReply: () => {},
      onFailure: (code) => this.#end(asked, code),
    })
    if (typeof answer !== 'string') asked.ticket = answer
    else {
      expect(asked.ends).toEqual([])
      asked.ends.push(answer)
    }
  }

  /** The server answers what it was sent, whatever has become of that. */
  reply(at: number): void {
    if (this.#sent.length === 0) return
    const id = 1 + (at % this.#sent.length)
    const asked = this.#sent[id - 1]!
    const { ends } = asked
    const claim = this.requests.claim(id, 10 * id)
    this.#server.delete(id)
    this.requests.sendWaiting()
    if (claim.kind !== 'answered') expect(ends).not.toEqual([])
    else this.#end(asked, 'reply')
  }

  giveUp(at: number): void {
    const asked = this.asked[at % this.asked.length]
    if (!asked?.ticket) return
    asked.ticket.giveUp()
    if (asked.ends.length === 0) asked.ends.push('given up')
  }

  failAll(): void {
    this.#server.clear()
    this.requests.failAll('SERVER_RESTARTED')
  }

  check(): void {
    const open = this.asked.filter(({ ends }) => ends.length === 0)
    expect(this.requests.size).toBe(open.length)
    expect(this.requests.creditsLeft).toBeLessThanOrEqual(Math.max(0, this.credits - open.length))
    for (const { ticket, id } of open) expect(ticket?.bytesUp).toBe(id ? 100 + id : 0)
  }

  #end({ ends, again }: Asked, how: string): void {
    ends.push(how)
    for (let more = 0; more < again; more++) this.ask(0)
  }

  #atServer(): number {
    const nowMs = this.clock.now()
    const has = [...this.#server.values()]
    return has.filter(({ givenUpMs }) => givenUpMs === undefined || nowMs - givenUpMs < GRACE_MS).length
  }
}

const of = <Name extends string>(name: Name, value: fc.Arbitrary<number>) =>
  fc.tuple(fc.constant(name), value)
const step = fc.oneof(
  { weight: 4, arbitrary: of('ask', fc.nat(2)) },
  { weight: 3, arbitrary: of('reply', fc.nat(100)) },
  { weight: 2, arbitrary: of('giveUp', fc.nat(100)) },
  { weight: 2, arbitrary: of('wait', fc.nat(300)) },
  of('credits', fc.integer({ min: 1, max: 4 })),
  of('refuses', fc.nat(1)),
  of('isFull', fc.nat(1)),
  of('failAll', fc.constant(0)),
)

test('each question ends once, by its reply, a failure or given up, and the server never has more than credits', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const play = new Play()
      for (const [name, value] of steps) {
        if (name === 'credits') play.credits = value
        else if (name === 'refuses' || name === 'isFull') play[name] = value === 1
        else if (name === 'wait') {
          await play.clock.advance(value)
          play.requests.sendWaiting()
        } else play[name](value)
        play.check()
      }
      // What is asked again while all fail may be sent or wait.
      for (let round = 0; round < 2; round++) play.failAll()
      for (const { ends } of play.asked) expect(ends).toHaveLength(1)
      play.check()
    }),
  )
})
