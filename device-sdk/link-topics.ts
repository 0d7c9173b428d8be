import { EDGE_ID, topic } from '@isthmus/proto'

/** Where a device speaks, and where it listens to its server. */
export const linkTopics = (site: string, id: string) => ({
  infer: topic(site, id, 'infer'),
  sample: topic(site, id, 'sample'),
  reply: topic(site, id, 'reply'),
  birth: topic(site, id, 'birth'),
  state: topic(site, id, 'state'),
  edgeBirth: topic(site, EDGE_ID, 'birth'),
  edgeState: topic(site, EDGE_ID, 'state'),
})
