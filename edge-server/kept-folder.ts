import { createHash } from 'node:crypto'
import { mkdir, realpath, rm, stat } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { edgeError } from './errors.ts'

/** Name of a socket within a folder, and how long its whole path may be (sun_path is 104 to 108 bytes). */
const LOCK = 'in-use'
const LONGEST_PATH = 100
/** File systems that know no sockets: what lies there is not guarded. */
const noSockets = new Set(['ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'])

/** A folder that nobody else uses until it is released. */
export interface KeptFolder {
  release(): Promise<void>
}

/**
 * Makes a folder, and those above it that are missing. One by one: Node's own `recursive` never comes back from below /proc. Throws what
 * the file system throws.
 */
export async function makeFolder(path: string, mode = 0o777): Promise<void> {
  const whole = resolve(path)
  const isThere = await stat(whole).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' && dirname(whole) !== whole) return undefined
    throw error
  })
  if (isThere?.isDirectory()) return
  if (!isThere) await makeFolder(dirname(whole), mode)
  await mkdir(whole, { mode }).catch((error: NodeJS.ErrnoException) => {
    // Somebody else was faster; a file of that name is told of by whoever opens something in it.
    if (error.code !== 'EEXIST' || isThere) throw error
  })
}

/**
 * Takes a folder for this process alone: two servers that write the same files spoil them. The lock is a socket, so that it ends with the
 * process, however that ends, and a name left behind means nothing. Throws FOLDER_IN_USE, and what the file system throws.
 */
export async function keepFolder(path: string): Promise<KeptFolder> {
  const socket = await socketPath(path)
  const server = createServer((peer) => peer.destroy())
  server.unref()
  const taken = await listens(server, socket)
  if (taken === undefined) return { release: () => closed(server) }
  if (noSockets.has(taken.code ?? '')) return { release: async () => {} }
  if (taken.code !== 'EADDRINUSE') throw taken
  if (await answers(socket)) throw edgeError('FOLDER_IN_USE', `Another server uses the folder ${path}`)
  await rm(socket, { force: true })
  const again = await listens(server, socket)
  if (again?.code === 'EADDRINUSE') throw edgeError('FOLDER_IN_USE', `Another server uses the folder ${path}`)
  if (again) throw again
  return { release: () => closed(server) }
}

async function socketPath(folder: string): Promise<string> {
  const whole = await realpath(folder)
  const digest = createHash('sha256').update(whole).digest('hex').slice(0, 24)
  if (process.platform === 'win32') return `\\\\.\\pipe\\isthmus-${digest}`
  const inside = join(whole, LOCK)
  return Buffer.byteLength(inside) <= LONGEST_PATH ? inside : join(tmpdir(), `isthmus-${digest}`)
}

/** Undefined when it does, the error when it cannot. */
function listens(server: Server, path: string): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((done) => {
    server.once('error', done)
    server.listen(path, () => {
      server.off('error', done)
      done(undefined)
    })
  })
}

/** Whether a process listens there. */
function answers(path: string): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(path)
    const end = (isThere: boolean) => {
      socket.destroy()
      done(isThere)
    }
    socket.once('connect', () => end(true))
    socket.once('error', () => end(false))
  })
}

const closed = (server: Server): Promise<void> => new Promise((done) => server.close(() => done()))
