import { describe, expect, test } from 'vitest'
import { Election } from './election.ts'
import { compareTerms, type Term } from './term.ts'

const timing = { silenceMs: 400, beatMs: 100, staggerMs: 100 }

/** Servers on a broker that delivers at once. */
class Town {
  nowMs = 0
  readonly servers = new Map<string, Election>()
  readonly deaf = new Set<string>()
  #numbers = 0

  add(id: string): void {
    this.servers.set(id, new Election({ self: id, ...timing }, this.nowMs))
  }

  run(forMs: number): void {
    for (const end = this.nowMs + forMs; this.nowMs < end; this.nowMs += 10) {
      for (const [id, election] of this.servers) {
        if (election.tick(this.nowMs) === undefined) continue
        const number = ++this.#numbers
        election.said(number, this.nowMs)
        if (!this.deaf.has(id)) this.#say(id, election.term!, number)
      }
    }
  }

  get leaders(): string[] {
    return [...this.servers].filter(([, election]) => election.leads(this.nowMs)).map(([id]) => id)
  }

  #say(from: string, term: Term, number: number): void {
    for (const [id, election] of this.servers) {
      if (!this.deaf.has(id)) election.onClaim(term, this.nowMs, id === from ? number : undefined)
    }
  }
}

function town(...ids: string[]): Town {
  const made = new Town()
  for (const id of ids) made.add(id)
  made.run(2000)
  return made
}

describe('an auctioneer', () => {
  test('is one of the servers, and stays it', () => {
    const three = town('edge-a', 'edge-b', 'edge-c')
    const [first] = three.leaders
    expect(three.leaders).toHaveLength(1)
    three.run(5000)
    expect(three.leaders).toEqual([first])
  })

  test('that dies is replaced within the silence and some steps of waiting', () => {
    const three = town('edge-a', 'edge-b', 'edge-c')
    const [first] = three.leaders
    const { term } = three.servers.get(first!)!
    three.servers.delete(first!)
    three.run(timing.silenceMs + 3 * timing.staggerMs)
    expect(three.leaders).toHaveLength(1)
    const [next] = three.leaders
    expect(compareTerms(three.servers.get(next!)!.term!, term!)).toBeGreaterThan(0)
  })

  test('whose last will is heard is replaced without waiting for the silence', () => {
    const three = town('edge-a', 'edge-b', 'edge-c')
    const [first] = three.leaders
    three.servers.delete(first!)
    for (const election of three.servers.values()) election.onGone(first!, three.nowMs)
    three.run(2 * timing.staggerMs)
    expect(three.leaders).toHaveLength(1)
  })

  test('that is cut off holds no auction any more by the time another does', () => {
    const three = town('edge-a', 'edge-b', 'edge-c')
    const [first] = three.leaders
    three.deaf.add(first!)
    for (let step = 0; step < 200; step++) {
      three.run(10)
      expect(three.leaders.length).toBeLessThanOrEqual(1)
    }
    expect(three.leaders).not.toContain(first)
    three.deaf.clear()
    three.run(2000)
    expect(three.leaders).toHaveLength(1)
  })

  test('does not take a claim of its own earlier life for its own', () => {
    const election = new Election({ self: 'edge-a', ...timing }, 0)
    election.onClaim({ number: 4, holder: 'edge-a' }, 0)
    expect(election.leads(0)).toBe(false)
    expect(election.tick(500)).toBe('claim')
    expect(election.term).toEqual({ number: 5, holder: 'edge-a' })
  })

  test('is the one of two with the same number whose id is the greater, for everybody', () => {
    const terms = [
      { number: 3, holder: 'edge-b' },
      { number: 3, holder: 'edge-a' },
    ]
    for (const heard of [terms, [...terms].reverse()]) {
      const election = new Election({ self: 'edge-c', ...timing }, 0)
      for (const term of heard) election.onClaim(term, 0)
      expect(election.term?.holder).toBe('edge-b')
    }
  })
})
