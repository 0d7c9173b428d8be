import { type Body, type Envelope, SCHEMA_VERSION } from '../message.ts'
import { wireError } from '../wire-errors.ts'
import { bad } from './values.ts'

/** What must hold between the parts of one message. */
export function checkParts(envelope: Envelope, body: Body, payloadBytes: number): void {
  if (envelope.schema !== SCHEMA_VERSION) throw unsupportedSchema(envelope.schema)
  if (envelope.id === 0 && !withoutId.has(body.kind)) {
    throw bad(`The ${body.kind} has no id; ids start at 1`)
  }
  if (withoutPayload.has(body.kind) && payloadBytes > 0)
    throw bad(`A message of kind ${body.kind} has no payload`)
  if (body.kind === 'sample' && body.input === 'pixels') {
    const count = body.dims.reduce((product, dim) => product * dim, 1)
    if (count !== payloadBytes) {
      throw wireError('BAD_SHAPE', `Pixels of [${body.dims}] do not fit the ${payloadBytes} payload bytes`)
    }
  }
  if (mustHavePayload.has(body.kind) && payloadBytes === 0) {
    throw bad(`The ${body.kind} is empty`)
  }
  if (body.kind === 'reply') {
    const count = body.decoderValues.reduce(
      (sum, values) => sum + values,
      body.dims.reduce((product, dim) => product * dim, 1),
    )
    if (count * 4 !== payloadBytes) {
      const decoders = body.decoders.length > 0 ? ` and [${body.decoderValues}] numbers of decoders` : ''
      throw wireError(
        'BAD_SHAPE',
        `The result's dims [${body.dims}]${decoders} do not fit its ${payloadBytes} payload bytes`,
      )
    }
  }
}

const mustHavePayload: ReadonlySet<Body['kind']> = new Set(['sample', 'patch', 'marketMemory'] as const)
const withoutId: ReadonlySet<Body['kind']> = new Set([
  'birth',
  'state',
  'error',
  'tell',
  'sample',
  'patch',
  'patchRequest',
  'capacity',
  'claim',
  'grants',
  'marketMemory',
] as const)
const withoutPayload: ReadonlySet<Body['kind']> = new Set([
  'tell',
  'patchRequest',
  'bid',
  'award',
  'renew',
  'release',
  'capacity',
  'claim',
  'grants',
] as const)

export function unsupportedSchema(schema: number) {
  return wireError(
    'UNSUPPORTED_SCHEMA',
    `The message has schema ${schema}, this side speaks ${SCHEMA_VERSION}`,
  )
}
