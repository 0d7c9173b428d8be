import { loadPipeline, type Pipeline } from '@isthmus/models/pipeline'
import { edgeError } from './errors.ts'
import { foldersWith, type Loaded, loadEach } from './model-folders.ts'

const MANIFEST = 'pipeline.json'

/**
 * Loads every pipeline of a folder (each subfolder with a pipeline.json is one), or the folder itself if it is one. Every file is
 * checked against its hash; stages whose model is missing are not served here. Throws NO_PIPELINES when the folder is missing or
 * nothing in it can be served.
 */
export async function readPipelines(folder: string): Promise<Loaded<Pipeline>> {
  const folders = foldersWith(MANIFEST, folder)
  if (!folders) throw edgeError('NO_PIPELINES', `There is no folder ${folder}`)
  const loaded = await loadEach(folders, loadServed)
  if (loaded.served.length === 0) {
    const first = loaded.refused[0]
    const why = first ? `${first.folder}: ${first.reason}` : `no ${MANIFEST} in it`
    throw edgeError('NO_PIPELINES', `The folder ${folder} has no pipeline that can be served (${why})`)
  }
  return loaded
}

async function loadServed(folder: string): Promise<Pipeline> {
  const pipeline = await loadPipeline(folder, { for: 'server' })
  if (pipeline.models.every((model) => model === undefined)) throw new Error('It has no model of any stage')
  return pipeline
}
