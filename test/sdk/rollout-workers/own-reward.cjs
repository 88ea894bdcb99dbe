// Rewards that a worker imports: one ends the process when it meets a picture of level 13 for the first time.
const { existsSync, writeFileSync } = require('node:fs');
const { registerReward } = require('@flowbook/sdk');

registerReward(
  'level-and-process',
  async (images, prompts) =>
    images.map(({ data }, at) => {
      const { died } = prompts[at];
      if (data[0] === 13 && !existsSync(died)) {
        writeFileSync(died, '');
        process.exit(1);
      }
      if (data[0] === 99) throw new Error('99 is too much');
      return data[0];
    }),
  { replace: true },
);
