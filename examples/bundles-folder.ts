import { fileURLToPath } from 'node:url'

/** Where the bundles are: `ISTHMUS_BUNDLES`, else those that come with `@isthmus/models`. */
export function bundlesFolder(env: Readonly<Record<string, string | undefined>> = process.env): string {
  if (env.ISTHMUS_BUNDLES) return env.ISTHMUS_BUNDLES
  return fileURLToPath(new URL('../../bundles', import.meta.resolve('@isthmus/models/bundle')))
}
