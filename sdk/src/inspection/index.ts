export { inspectModel } from './inspect-model';
export type { InspectOptions } from './inspect-model';
export { formatModelReport } from './format-report';
export type {
  ComponentReport,
  InspectedFile,
  LoraReport,
  MemoryNeed,
  MemoryReport,
  MemorySettings,
  ModelReport,
} from './model-report';
