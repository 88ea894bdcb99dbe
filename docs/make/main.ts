// npm run docs: pages, recipes and docstrings as a site below site/html; fails on a link that leads nowhere.
import { join, resolve } from 'node:path';
import { buildSite } from './build-site';

const root = resolve(__dirname, '../..');
const folder = join(root, 'site');

buildSite({ root, folder })
  .then((problems) => {
    for (const problem of problems) console.error(problem);
    if (problems.length > 0) process.exitCode = 1;
    else console.log(join(folder, 'html', 'index.html'));
  })
  .catch((error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  });
