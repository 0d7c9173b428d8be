import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { cacheFolder } from './cache-folder.ts'

describe('cache folder', () => {
  it('is the one in ISTHMUS_CACHE, made absolute', () => {
    expect(cacheFolder({ ISTHMUS_CACHE: '/data/isthmus' }, 'linux', '/home/ada')).toBe(
      resolve('/data/isthmus'),
    )
    expect(cacheFolder({ ISTHMUS_CACHE: 'near' }, 'darwin', '/Users/ada')).toBe(resolve('near'))
  })

  it("is in the user's cache directory of each platform otherwise", () => {
    expect(cacheFolder({}, 'linux', '/home/ada')).toBe('/home/ada/.cache/isthmus')
    expect(cacheFolder({ XDG_CACHE_HOME: '/fast/cache' }, 'linux', '/home/ada')).toBe('/fast/cache/isthmus')
    expect(cacheFolder({ XDG_CACHE_HOME: 'relative' }, 'linux', '/home/ada')).toBe('/home/ada/.cache/isthmus')
    expect(cacheFolder({ ISTHMUS_CACHE: '' }, 'darwin', '/Users/ada')).toBe(
      '/Users/ada/Library/Caches/isthmus',
    )
    expect(cacheFolder({ LOCALAPPDATA: 'C:\\Local' }, 'win32', 'C:\\Users\\ada')).toBe('C:\\Local\\isthmus')
    expect(cacheFolder({}, 'win32', 'C:\\Users\\ada')).toBe('C:\\Users\\ada\\AppData\\Local\\isthmus')
  })
})
