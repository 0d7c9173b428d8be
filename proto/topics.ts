import { IsthmusError, protoErrors } from './errors.ts'

/** Last word of a topic: what its messages are about. */
export type Verb =
  | ('birth' | 'state' | 'infer' | 'reply' | 'tell' | 'sample' | 'patch')
  | ('bid' | 'award' | 'capacity' | 'claim' | 'beat' | 'grant' | 'memory')

export const verbs: readonly Verb[] = [
  ...(['birth', 'state', 'infer', 'reply', 'tell'] as const),
  ...(['sample', 'patch', 'bid', 'award'] as const),
  ...(['capacity', 'claim', 'beat', 'grant', 'memory'] as const),
]

/**
 * The server's own id: it publishes its retained birth and state below it. Where several servers share a site, each has an id
 * `edge-...` of its own, and the one that holds the auction speaks as `edge`, too.
 */
export const EDGE_ID = 'edge'

const root = 'isthmus/1'
const idPattern = /^[A-Za-z0-9_-]{1,64}$/
const topicPattern = /^isthmus\/1\/([A-Za-z0-9_-]{1,64})\/([A-Za-z0-9_-]{1,64})\/([a-z]{1,16})$/

/** `isthmus/1/<site>/<device>/<verb>`. Throws BAD_ID for a site or device id that no topic can hold. */
export function topic(site: string, device: string, verb: Verb): string {
  return `${root}/${checkId(site, 'site')}/${checkId(device, 'device id')}/${verb}`
}

/** The parts of a topic of this version; undefined for any other topic. */
export function parseTopic(topic: string): { site: string; device: string; verb: Verb } | undefined {
  const parts = topicPattern.exec(topic)
  if (parts === null) return undefined
  const [, site, device, verb] = parts as unknown as [string, string, string, string]
  return isVerb(verb) ? { site, device, verb } : undefined
}

/** Whether a device may bear this id: well formed, and neither `edge` nor `edge-...`, which are the servers'. */
export function isDeviceId(id: string): boolean {
  return idPattern.test(id) && id !== EDGE_ID && !id.startsWith(`${EDGE_ID}-`)
}

/** Whether a server may bear this id: `edge` or `edge-...`. */
export function isServerId(id: string): boolean {
  return idPattern.test(id) && !isDeviceId(id)
}

/** What only servers say, below whatever id. */
const serverVerbs: ReadonlySet<Verb> = new Set([
  ...(['award', 'patch', 'capacity', 'claim', 'beat', 'grant', 'memory'] as const),
])

/** The access rule, writing: a device publishes only to the topics below its own id, and no award and no patch there. */
export function deviceMayPublish(site: string, device: string, topic: string): boolean {
  const parts = parseTopic(topic)
  return (
    parts !== undefined &&
    isDeviceId(device) &&
    parts.site === site &&
    parts.device === device &&
    !serverVerbs.has(parts.verb)
  )
}

/**
 * Where the newest patch of a family of models is retained: `isthmus/1/<site>/edge-<first 8 hex digits of the family>/patch`.
 * Throws BAD_ID for a site that no topic can hold, or a family that is not a hash in hex.
 */
export function patchTopic(site: string, family: string): string {
  if (!/^[0-9a-f]{8,}$/.test(family)) checkId('', 'family')
  return topic(site, `${EDGE_ID}-${family.slice(0, 8)}`, 'patch')
}

/** A family's name in a `Sample`, `Patch` or `PatchRequest`: the first four bytes of its hash, little-endian. */
export function familyKey(family: string): number {
  const bytes = [0, 2, 4, 6].map((at) => Number.parseInt(family.slice(at, at + 2), 16))
  return bytes.reduce((key, byte, place) => key + byte * 256 ** place, 0)
}

const patchSource = /^edge-[0-9a-f]{8}$/

/** The filter for what all devices of a site tell each other. Throws BAD_ID for a site that no topic can hold. */
export function tellsOf(site: string): string {
  return `${root}/${checkId(site, 'site')}/+/tell`
}

/**
 * The access rule, reading: a device subscribes below its own id, to the server's birth and state, to who holds the auction, to
 * what the devices of its site tell, and to the patches of every family. The bids of others are not for it.
 */
export function deviceMaySubscribe(site: string, device: string, filter: string): boolean {
  if (!isDeviceId(device) || !idPattern.test(site)) return false
  const own = `${root}/${site}/${device}`
  if (filter === tellsOf(site)) return true
  if (filter === `${own}/#` || filter === `${own}/+`) return true
  const parts = parseTopic(filter)
  if (parts === undefined || parts.site !== site) return false
  return (
    parts.device === device ||
    (parts.verb === 'tell' && isDeviceId(parts.device)) ||
    (parts.verb === 'patch' && patchSource.test(parts.device)) ||
    (parts.device === EDGE_ID && (parts.verb === 'birth' || parts.verb === 'state' || parts.verb === 'claim'))
  )
}

function isVerb(word: string): word is Verb {
  return (verbs as readonly string[]).includes(word)
}

function checkId(id: string, what: string): string {
  if (idPattern.test(id)) return id
  const { hint, retryable } = protoErrors.BAD_ID
  throw new IsthmusError('BAD_ID', `The ${what} ${JSON.stringify(id)} does not fit into a topic. ${hint}`, {
    retryable,
  })
}
