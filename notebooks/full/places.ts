import { join, resolve } from 'node:path';

/** The repository. */
export const ROOT = resolve(__dirname, '../..');

/** What is kept of full runs. */
export const RESULTS = join(ROOT, 'notebooks', 'results');

/** The data set that recipes train and are measured on. */
export const DATASET = join(ROOT, 'datasets', 'shapes');
