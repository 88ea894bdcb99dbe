// A reward that a worker imports: it writes down each picture that it has rated. One process is stuck with its first part.
const { appendFileSync, writeFileSync } = require('node:fs');
const { getReward, registerReward } = require('@flowbook/sdk');

registerReward(
  'aesthetic-once',
  async (images, prompts, context) => {
    const [{ log, stuck }] = prompts;
    if (stuck === process.pid) {
      writeFileSync(`${log}.stuck`, '');
      await new Promise((resolve) => setTimeout(resolve, 600_000));
    }
    const values = await getReward('aesthetic')(images, prompts, context);
    appendFileSync(log, prompts.map(({ prompt }) => `${prompt}\n`).join(''));
    return values;
  },
  { replace: true },
);
