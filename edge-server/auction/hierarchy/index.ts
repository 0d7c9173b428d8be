export {
  type ClusterSummary,
  clearByClusters,
  type HierarchicalClearing,
  type HierarchyOptions,
} from './clear.ts'
export { CLUSTER_RESOURCES, type ClusterOptions, type Clusters, clustersOf } from './clusters.ts'
export { columnsOf, type MarketColumns } from './columns.ts'
export { GeoGrid } from './geo-grid.ts'
export { LocalShards, type ShardRunner } from './shard-runner.ts'
export { ShardThreads } from './shard-threads.ts'
