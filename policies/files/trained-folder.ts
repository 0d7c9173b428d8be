import { fileURLToPath } from 'node:url'

/** The folder of a policy that comes with this package, for `loadPolicy`: trained by the default recipe of its environment. */
export const trainedFolder = (name: 'mec' | 'split'): string =>
  fileURLToPath(new URL(`../../trained/${name}`, import.meta.url))
