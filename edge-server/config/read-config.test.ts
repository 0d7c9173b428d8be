import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { helpText, printableConfig } from './help.ts'
import { checkConfig, readCommand, settings } from './read-config.ts'

const folder = mkdtempSync(join(tmpdir(), 'isthmus-config-'))
afterAll(() => rmSync(folder, { recursive: true }))

function file(content: unknown): string {
  const path = join(folder, `${Math.random()}.json`)
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}
const read = (argv: readonly string[] = [], env: Record<string, string> = {}) => readCommand(argv, env).config

describe('the configuration', () => {
  it('needs nothing', () => {
    expect(read()).toMatchObject({ site: 'default', host: '127.0.0.1', mqttPort: 1883, intraOpThreads: 1 })
  })

  it('takes flags over environment over file over defaults', () => {
    const path = file({ site: 'file', credits: 3, mqttPort: 1000, httpPort: 'off' })
    const config = read(['--config', path, '--mqtt-port=3000'], {
      ISTHMUS_EDGE_MQTT_PORT: '2000',
      ISTHMUS_EDGE_SITE: 'env',
      PATH: '/bin',
    })
    expect(config).toMatchObject({ site: 'env', credits: 3, mqttPort: 3000, httpPort: 'off', queue: 128 })
  })

  it('finds the file by the environment too', () => {
    expect(read([], { ISTHMUS_EDGE_CONFIG: file({ site: 'yard' }) }).site).toBe('yard')
  })

  it('has every setting in the file, the environment and, but for tables, as a flag', () => {
    for (const { flag, env, key, fileOnly } of settings) {
      if (fileOnly) continue
      expect(() => read([`--${flag}`, 'nonsense!'], {})).not.toThrow(/is not a setting/)
      expect(() => read([], { [env]: 'nonsense!' })).not.toThrow(/is not a setting/)
      expect(helpText()).toContain(`--${flag}`)
      expect(key).toMatch(/^[a-z][A-Za-z]*$/)
    }
  })

  it.each([
    [
      'the file',
      () => read(['--config', file({ mqtPort: 1 })]),
      /"mqtPort" is not a setting; did you mean "mqttPort"/,
    ],
    ['the environment', () => read([], { ISTHMUS_EDGE_CREDIT: '1' }), /did you mean "ISTHMUS_EDGE_CREDITS"/],
    ['the command line', () => read(['--brokre', 'x']), /"--brokre" .* did you mean "--broker"/],
    ['options in code', () => checkConfig({ wsport: 1 }, 'the options'), /did you mean "wsPort"/],
  ])('names the nearest setting to an unknown one in %s', (_where, act, message) => {
    expect(act).toThrow(message)
  })

  it.each([
    ['a missing file', () => read(['--config', '/none.json']), /\/none\.json cannot be read/],
    ['a file that is not JSON', () => read(['--config', file('{')]), /is not JSON/],
    ['a port that is none', () => read(['--mqtt-port', '70000']), /the command line, mqttPort/],
    ['text for a number', () => read([], { ISTHMUS_EDGE_QUEUE: 'many' }), /the environment, queue/],
    ['a flag without a value', () => read(['--site']), /--site needs a value/],
    ['a word that is no flag', () => read(['serve']), /"serve" is not a flag/],
    ['a broker that is no MQTT URL', () => read(['--broker', 'http://x']), /mqtt:\/\/host:1883/],
    ['a broker without a host', () => read(['--broker', 'mqtt:']), /mqtt:\/\/host:1883/],
    ['a port that is neither', () => read(['--ws-port', 'on']), /wsPort: must be a port from 0 .*, or off/],
    ['a site that fits into no topic', () => read(['--site', 'a/b']), /site: must be 1 to 64 letters/],
    ['a short password', () => read(['--config', file({ users: { cam: 'x' } })]), /users\.cam/],
    [
      'a user that is no device',
      () => read(['--config', file({ users: { edge: 'long-enough' } })]),
      /users\.edge: must be a device id/,
    ],
  ])('refuses %s in one line', (_what, act, message) => {
    expect(act).toThrow(message)
    expect(act).toThrow(/^[^\n]*$/)
    expect(act).toThrow(expect.objectContaining({ code: 'BAD_CONFIG' }))
  })

  it('prints what it would use, and no password', () => {
    const config = checkConfig(
      { brokerPassword: 'swordfish', users: { 'cam-1': 'swordfish' }, broker: 'mqtt://b' },
      'a test',
    )
    const inUrl = checkConfig({ broker: 'mqtt://me:swordfish@b:1883' }, 'a test')
    expect(JSON.parse(printableConfig(inUrl)).broker).toBe('mqtt://me:...@b:1883')
    const odd = checkConfig({ broker: 'wss://me:sw@rd:fish@b:1883/mqtt?x=1' }, 'a test')
    expect(JSON.parse(printableConfig(odd)).broker).toBe('wss://me:...@b:1883/mqtt?x=1')
    const text = printableConfig(config)
    expect(JSON.parse(text)).toMatchObject({ broker: 'mqtt://b', mqttPort: 1883, users: { 'cam-1': '...' } })
    expect(text).not.toContain('swordfish')
  })

  it('asks for help and for the version without minding the rest', () => {
    expect(readCommand(['--help'], {}).action).toBe('help')
    expect(readCommand(['-h'], {}).action).toBe('help')
    expect(readCommand(['--version'], {}).action).toBe('version')
    expect(readCommand(['--print-config', '--site', 's'], {})).toMatchObject({
      action: 'print-config',
      config: { site: 's' },
    })
  })
})
