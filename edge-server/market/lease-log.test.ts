import { spawnSync } from 'node:child_process'
import { appendFile, mkdtemp, open, readFile, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import type { LedgerEntry } from './lease-ledger.ts'
import { LeaseLog } from './lease-log.ts'

const lease = (device: string): LedgerEntry => ({
  kind: 'lease',
  device,
  boot: 4_000_000_000,
  id: 1,
  nonce: 2,
  demand: [0.1, 0, 0, 5],
  payment: 1.5,
  term: 3,
  round: 4,
  credits: 2,
})
const end = (device: string): LedgerEntry => ({ kind: 'end', device, boot: 4_000_000_000, id: 1 })
const fresh = async () => join(await mkdtemp(join(tmpdir(), 'isthmus-leases-')), 'market', 'edge-a.leases')

describe('a log of leases', () => {
  test('gives back what was written, in its order, after any number of lives', async () => {
    const path = await fresh()
    const first = await LeaseLog.open(path, () => [])
    await Promise.all([first.write([lease('a')]), first.write([lease('b'), end('a')])])
    await first.close()
    const { entries, damaged } = await LeaseLog.read(path)
    expect(entries).toEqual([lease('a'), lease('b'), end('a')])
    expect(damaged).toBe(0)
    const second = await LeaseLog.open(path, () => [lease('b')])
    await second.write([lease('c')])
    await second.close()
    expect((await LeaseLog.read(path)).entries).toEqual([lease('b'), lease('c')])
  })

  test.skipIf(process.platform === 'win32')(
    'says of nothing that it is kept which did not fit on the disk',
    async () => {
      const path = await fresh()
      const module = new URL('./lease-log.js', import.meta.url)
      const program = `
        const { LeaseLog } = await import('${module}')
        const live = new Map()
        const log = await LeaseLog.open(${JSON.stringify(path)}, () => [...live.values()])
        const lease = ${JSON.stringify(lease(''))}
        const kept = []
        for (let n = 0; n < 40; n++) {
          const some = Array.from({ length: 7 }, (_, k) => ({ ...lease, device: n + '-' + k }))
          for (const one of some) live.set(one.device, one)
          await log.write(some).then(
            () => kept.push(...some.map(({ device }) => device)),
            () => some.forEach(({ device }) => live.delete(device)))
        }
        console.log(JSON.stringify(kept))`
      // Files of 8 KiB at most: what is written beyond that fails, or is cut off, as on a full disk.
      const command = 'ulimit -f 16; exec "$0" --input-type=module --eval "$1"'
      const { stdout } = spawnSync('sh', ['-c', command, process.execPath, program], { encoding: 'utf8' })
      const kept: string[] = JSON.parse(stdout)
      expect(kept.length).toBeGreaterThan(0)
      expect(kept.length).toBeLessThan(280)
      const { entries } = await LeaseLog.read(path)
      const onDisk = new Set(entries.map((entry) => 'device' in entry && entry.device))
      expect(kept.filter((device) => !onDisk.has(device))).toEqual([])
    },
  )

  test.each(['appendFile', 'datasync'] as const)(
    'is written anew after %s has failed, so that the end in it is there before any later lease',
    async (fault) => {
      const path = await fresh()
      const live = new Set([lease('a')])
      const log = await LeaseLog.open(path, () => [...live])
      const other = await open(path)
      vi.spyOn(Object.getPrototypeOf(other), fault).mockRejectedValueOnce(new Error('the disk is full'))
      await other.close()
      live.clear()
      await expect(log.write([end('a')])).rejects.toThrow('the disk is full')
      for (const device of ['b', 'c']) {
        const one = lease(device)
        live.add(one)
        await log.write([one])
      }
      await log.close()
      expect((await LeaseLog.read(path)).entries).toEqual([lease('b'), lease('c')])
    },
  )

  test('holds nothing where there is no file yet', async () => {
    expect(await LeaseLog.read(await fresh())).toEqual({ entries: [], damaged: 0 })
  })

  test('leaves out a line that was cut off or damaged, and no other', async () => {
    const path = await fresh()
    const log = await LeaseLog.open(path, () => [])
    await log.write([lease('a'), lease('b'), lease('c')])
    await log.close()
    const text = await readFile(path, 'utf8')
    await writeFile(path, text.replace('"device":"b"', '"device":"x"'))
    await appendFile(path, 'ffffffff {"kind":"lease"}\n')
    expect(await LeaseLog.read(path)).toEqual({ entries: [lease('a'), lease('c')], damaged: 2 })
    await truncate(path, text.length - 10)
    expect((await LeaseLog.read(path)).entries).toEqual([lease('a')])
  })

  test('does not grow without end, and loses nothing when it is written anew', async () => {
    const path = await fresh()
    const live = new Map<string, LedgerEntry>()
    const log = await LeaseLog.open(path, () => [...live.values()])
    for (let at = 0; at < 300; at++) {
      const some = Array.from({ length: 100 }, (_, n) => lease(`dev-${at}-${n}`))
      live.clear()
      for (const entry of some) live.set((entry as { device: string }).device, entry)
      await log.write(some)
    }
    await log.close()
    const { entries } = await LeaseLog.read(path)
    expect(entries.length).toBeLessThan(20_000)
    expect(entries.slice(-100)).toEqual([...live.values()])
  })

  test('says so when it cannot be opened', async () => {
    const path = await fresh()
    await writeFile(join(path, '..', '..', 'market'), 'a file')
    await expect(LeaseLog.open(path, () => [])).rejects.toThrow()
  })
})
