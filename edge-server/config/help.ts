import { settings } from './read-config.ts'
import type { EdgeConfig } from './schema.ts'

/** What `isthmus-edge --help` prints. */
export function helpText(): string {
  const rows = settings.map(({ flag, help, default: value, fileOnly, key }) => {
    const name = fileOnly ? `${key} (in the file)` : `--${flag} ${placeholder(value)}`
    const shown = typeof value === 'object' ? JSON.stringify(value) : value
    const fallback = value === undefined ? '' : ` Default ${shown}.`
    return `  ${name.padEnd(26)} ${help}${fallback}`
  })
  return `isthmus-edge: runs the tails of split networks for devices that send their bottlenecks over MQTT.

  isthmus-edge --bundles ./bundles                 a broker inside, for devices on this machine
  isthmus-edge --bundles ./bundles --host 0.0.0.0  the same, for devices on other machines too
  isthmus-edge --broker mqtt://broker.local:1883   with a broker that you have already
  isthmus-edge --pipelines ./street                stages of a pipeline of models (isthmus-models pipeline)

Settings are read from a JSON file (--config FILE), then the environment (--mqtt-port is
ISTHMUS_EDGE_MQTT_PORT), then the flags; the later wins. In the file, --mqtt-port is "mqttPort".

${rows.join('\n')}

  --config FILE              The JSON file (or ISTHMUS_EDGE_CONFIG).
  --print-config             Print the settings that would be used, and stop. Passwords are not shown.
  --version                  Print the version, and stop.
  --help                     Print this, and stop.

When it is ready it logs one line with msg "ready" and its ports. SIGTERM and SIGINT let what waits finish
(at most --drain-timeout-ms), then it stops. curl localhost:9464/metrics shows what it does.
`
}

/** The settings in the form of a configuration file, with the passwords left out. */
export function printableConfig(config: EdgeConfig): string {
  const hidden = '...'
  const shown = {
    ...config,
    ...(config.broker === undefined ? {} : { broker: withoutPassword(config.broker, hidden) }),
    ...(config.brokerPassword === undefined ? {} : { brokerPassword: hidden }),
    ...(config.users === undefined
      ? {}
      : { users: Object.fromEntries(Object.keys(config.users).map((id) => [id, hidden])) }),
  }
  return JSON.stringify(shown, null, 2)
}

/** As URLs are read, the last @ ends the password. */
function withoutPassword(broker: string, hidden: string): string {
  const url = new URL(broker)
  if (url.password === '') return broker
  url.password = hidden
  return url.href
}

const placeholder = (value: unknown): string => (typeof value === 'number' ? 'N' : 'VALUE')
