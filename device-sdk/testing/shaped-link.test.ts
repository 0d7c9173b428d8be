import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, it } from 'vitest'
import { type ShapedLink, type ShapedLinkOptions, shapedLink } from './shaped-link.ts'

const open: (() => unknown)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

/** A server that answers with what it hears, behind a link. */
async function echoBehind(shape: Partial<ShapedLinkOptions>): Promise<{ link: ShapedLink; server: Server }> {
  const server = createServer((socket) => socket.on('error', () => {}).pipe(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  open.push(() => server.close())
  const target = { port: (server.address() as AddressInfo).port }
  const link = await shapedLink({ target, uplinkBps: Infinity, downlinkBps: Infinity, delayMs: 0, ...shape })
  open.push(() => link.close())
  return { link, server }
}

function dial({ port }: ShapedLink): Socket {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  open.push(() => socket.destroy())
  return socket
}

/** Resolves when the connection is closed, in order or not. */
const closed = (socket: Socket) => new Promise((resolve) => socket.once('close', resolve))

describe('a shaped link', () => {
  it('takes at least 0.8 s and both delays for 25 kB at 250 kbit/s', async () => {
    const { link } = await echoBehind({ uplinkBps: 250_000, delayMs: 40 })
    const socket = dial(link)
    const startMs = performance.now()
    socket.end(Buffer.alloc(25_000, 'x'))
    const answer = await text(socket)
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(880)
    expect(answer).toBe('x'.repeat(25_000))
  })

  it('carries bytes and the end of a connection unchanged, both ways', async () => {
    const { link } = await echoBehind({})
    const socket = dial(link)
    const message = Array.from({ length: 20_000 }, (_, i) => String.fromCharCode(33 + (i % 90))).join('')
    socket.end(message)
    expect(await text(socket)).toBe(message)
    await expect.poll(() => link.connections).toBe(0)
  })

  it('makes the sender wait rather than hold more and more', async () => {
    const { link } = await echoBehind({ uplinkBps: 80_000 })
    const socket = dial(link)
    socket.write(Buffer.alloc(20_000_000))
    await expect.poll(() => link.heldBytes).toBeGreaterThan(60_000)
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(link.heldBytes).toBeLessThan(256 * 1024)
    expect(socket.writableLength).toBeGreaterThan(0)
  })

  it('is silent while cut, and then delivers what was under way', async () => {
    const { link } = await echoBehind({})
    const socket = dial(link)
    socket.write('one')
    expect(String((await once(socket, 'data'))[0])).toBe('one')
    link.cut()
    socket.write('two')
    let heard = ''
    socket.on('data', (chunk) => (heard += chunk))
    await expect.poll(() => link.heldBytes).toBe(3)
    await new Promise((resolve) => setTimeout(resolve, 30))
    expect(heard).toBe('')
    link.restore()
    await expect.poll(() => heard).toBe('two')
  })

  it('closes connections and turns new ones away when cut by a reset', async () => {
    const { link } = await echoBehind({})
    const socket = dial(link)
    await once(socket, 'connect')
    await expect.poll(() => link.connections).toBe(1)
    link.cut('reset')
    await closed(socket)
    const refused = dial(link)
    await closed(refused)
    expect(link.connections).toBe(0)
    link.restore()
    const again = dial(link)
    again.write('back')
    expect(String((await once(again, 'data'))[0])).toBe('back')
  })

  it('closes the connection when there is nothing behind the link', async () => {
    const { link, server } = await echoBehind({})
    server.close()
    await once(server, 'close')
    await closed(dial(link))
    await expect.poll(() => link.connections).toBe(0)
  })

  it.each([{ uplinkBps: 0 }, { downlinkBps: Number.NaN }, { delayMs: -1 }, { jitterMs: Infinity }])(
    'refuses %o',
    async (wrong) => {
      await expect(echoBehind(wrong)).rejects.toMatchObject({ code: 'BAD_OPTIONS' })
    },
  )
})
