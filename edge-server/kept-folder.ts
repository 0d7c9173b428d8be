import { createHash, randomBytes } from 'node:crypto'
import { mkdir, readdir, realpath, rm, stat } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { edgeError } from './errors.ts'

/** What the names of sockets within a folder begin with (behind their owner), and how long a whole path may be (sun_path is 104 to 108 bytes). */
const LOCK = 'in-use-'
const LONGEST_PATH = 100
/** File systems that know no sockets, as FAT on a memory card (EPERM, on Linux): what lies there is not guarded. */
const noSockets = new Set(['ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EPERM'])
/** What connecting says where no process listens. */
const nobody = new Set(['ECONNREFUSED', 'ENOENT'])

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
 * process, however that ends. Each process has a socket of its own name, and listens before it looks for others: of two that begin at the
 * same moment one at least sees the other, and a dead one is never mistaken for one that has come in its place. Both may then be refused.
 * With `owner`, only its files there are kept: others may have theirs beside them. Throws FOLDER_IN_USE, and what the file system throws.
 */
export async function keepFolder(path: string, owner?: string): Promise<KeptFolder> {
  const lock = lockOf(await realpath(path), owner)
  const server = createServer((peer) => peer.destroy())
  server.unref()
  const fault = await listens(server, lock.folder + lock.prefix + lock.own)
  if (noSockets.has(fault?.code ?? '')) return { release: async () => {} }
  const inUse = () => edgeError('FOLDER_IN_USE', `Another server uses the folder ${path}`)
  if (fault) throw fault.code === 'EADDRINUSE' ? inUse() : fault
  try {
    if (await hasOthers(lock)) throw inUse()
  } catch (error) {
    await closed(server)
    throw error
  }
  return { release: () => closed(server) }
}

/** The sockets of one folder: they lie in `folder`, and their names begin with `prefix`. */
interface Lock {
  readonly folder: string
  readonly prefix: string
  /** What this process' own name ends with; nothing where a name is free as soon as its process has ended. */
  readonly own: string
}

function lockOf(whole: string, owner: string | undefined): Lock {
  const digest = digestOf(owner === undefined ? whole : `${whole}\0${owner}`, 24)
  if (process.platform === 'win32') return { folder: '\\\\.\\pipe\\', prefix: `isthmus-${digest}`, own: '' }
  const own = randomBytes(6).toString('hex')
  const inside = {
    folder: join(whole, '/'),
    prefix: owner === undefined ? LOCK : `${digestOf(owner, 8)}-${LOCK}`,
    own,
  }
  if (Buffer.byteLength(inside.folder + inside.prefix + own) <= LONGEST_PATH) return inside
  return { folder: join(tmpdir(), '/'), prefix: `isthmus-${digest}-`, own }
}

const digestOf = (text: string, digits: number): string =>
  createHash('sha256').update(text).digest('hex').slice(0, digits)

/** Whether a process listens at another socket of the lock. Those where nobody does are removed. */
async function hasOthers({ folder, prefix, own }: Lock): Promise<boolean> {
  if (own === '') return false
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const { name } = entry
    if (!entry.isSocket() || !name.startsWith(prefix) || name === prefix + own) continue
    if (await answers(folder + name)) return true
    // One that cannot be removed is in nobody's way.
    await rm(folder + name, { force: true }).catch(() => {})
  }
  return false
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

/** Whether a process listens there; one that does not let this one in does. */
function answers(path: string): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(path)
    const end = (isThere: boolean) => {
      socket.destroy()
      done(isThere)
    }
    socket.once('connect', () => end(true))
    socket.once('error', ({ code }: NodeJS.ErrnoException) => end(!nobody.has(code ?? '')))
  })
}

const closed = (server: Server): Promise<void> => new Promise((done) => server.close(() => done()))
