import { homedir } from 'node:os'
import { join, posix, resolve, win32 } from 'node:path'

/**
 * The folder for downloaded data: `ISTHMUS_CACHE`, else the user's cache directory of the platform
 * (`$XDG_CACHE_HOME/isthmus` or `~/.cache/isthmus`, `~/Library/Caches/isthmus`, `%LOCALAPPDATA%\isthmus`).
 * Absolute; not created here. An empty or relative `XDG_CACHE_HOME` is ignored, as the XDG specification asks.
 */
export function cacheFolder(
  env: Readonly<Record<string, string | undefined>> = process.env,
  platform: NodeJS.Platform = process.platform,
  home: string = homedir(),
): string {
  if (env.ISTHMUS_CACHE) return resolve(env.ISTHMUS_CACHE)
  if (platform === 'darwin') return posix.join(home, 'Library', 'Caches', 'isthmus')
  if (platform === 'win32') {
    return win32.join(env.LOCALAPPDATA || win32.join(home, 'AppData', 'Local'), 'isthmus')
  }
  const xdg = env.XDG_CACHE_HOME
  return join(xdg && posix.isAbsolute(xdg) ? xdg : join(home, '.cache'), 'isthmus')
}
