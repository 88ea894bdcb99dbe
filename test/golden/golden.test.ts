import assert from 'node:assert/strict';
import { checkCase, hasChecker } from './check-case';
import { toleranceOf } from './families/train-grpo';
import { TEMPLATE_PREFIX_TOKENS } from '../../sdk/src/pipelines/qwen-image-flow-grpo/prompt';
import { findCases, type Description } from './golden-case';

describe('golden cases', () => {
  for (const goldenCase of findCases(__dirname)) {
    if (!hasChecker(goldenCase.family)) continue;
    it(`${goldenCase.family}/${goldenCase.name} agrees with the reference`, async function () {
      const { status, detail } = await checkCase(goldenCase);
      if (status === 'skipped') this.skip();
      assert.equal(status, 'passed', detail);
    });
  }

  it('are checked again as they were the first time', async () => {
    const [step] = findCases(__dirname).filter(({ family, name }) =>
      `${family}/${name}`.startsWith('scheduler_step/loop_'),
    );
    const first = await checkCase(step);
    assert.equal(first.status, 'passed');
    assert.deepEqual(await checkCase(step), first);
  });

  it('of train_grpo have losses and metrics that 0 and the other sign are told from', () => {
    const lines = findCases(__dirname)
      .filter(({ family }) => family === 'train_grpo')
      .flatMap(({ name, json }) =>
        (json.log as Description[]).flatMap(({ losses }) =>
          (losses as Description[]).map((line) => ({ name, line })),
        ),
      );
    assert.ok(lines.length > 0);
    for (const { name, line } of lines) {
      const numbers = { loss: line.loss as number, ...(line.metrics as Record<string, number>) };
      for (const [key, value] of Object.entries(numbers)) {
        const { atol, rtol } = toleranceOf(key);
        if (!Number.isFinite(value) || value === 0) continue;
        assert.ok(atol + rtol * Math.abs(value) < Math.abs(value), `${name} ${key}`);
      }
    }
  });

  it('of qwen_text_encoder drop the tokens that pipelines drop', () => {
    const cases = findCases(__dirname).filter(({ family }) => family === 'qwen_text_encoder');
    assert.ok(cases.length > 0);
    for (const { json } of cases) assert.equal(json.drop_idx, TEMPLATE_PREFIX_TOKENS);
  });
});
