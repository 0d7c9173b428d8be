import { deviceErrors, fallbacks } from '@isthmus/device-sdk'
import { edgeErrors } from '@isthmus/edge-server'
import { type ErrorEntry, errorTables } from '@isthmus/models/errors'
import { policyErrors, retryablePolicyErrors } from '@isthmus/policies'
import { wireErrors } from '@isthmus/proto'

type Rows = readonly (readonly [string, ErrorEntry])[]

const hinted = (table: Readonly<Record<string, { retryable: boolean; hint: string }>>): Rows =>
  Object.entries(table).map(([code, { retryable, hint }]) => [code, { retryable, text: hint }])

const section = (title: string, rows: Rows): string =>
  [
    `## ${title}`,
    '',
    '| code | try again | when, or what to do |',
    '|---|---|---|',
    ...rows.map(([code, { retryable, text }]) => `| ${code} | ${retryable ? 'yes' : 'no'} | ${text} |`),
    '',
  ].join('\n')

/** docs/errors.md, made from the tables that the packages throw by. */
export function errorsPage(): string {
  return [
    '# Errors',
    '',
    'Everything that Isthmus throws on purpose is an `IsthmusError` with `code`, `message`, `retryable` and `cause`.',
    'The message says what was wrong this time. A frame that was answered on the device although it should have gone',
    'to the server carries a fallback code instead: it is an answer, not an error.',
    '',
    section('On the wire', hinted(wireErrors)),
    section('@isthmus/device-sdk', hinted(deviceErrors)),
    section('@isthmus/edge-server', hinted(edgeErrors)),
    section(
      '@isthmus/policies',
      Object.entries(policyErrors).map(([code, text]) => [
        code,
        { retryable: retryablePolicyErrors.has(code as keyof typeof policyErrors), text },
      ]),
    ),
    ...Object.entries(errorTables).map(([room, rows]) => section(`@isthmus/${room}`, rows)),
    '## Fallback codes of an answer',
    '',
    '| code | meaning |',
    '|---|---|',
    ...Object.entries(fallbacks).map(([code, meaning]) => `| ${code} | ${meaning} |`),
    '',
  ].join('\n')
}
