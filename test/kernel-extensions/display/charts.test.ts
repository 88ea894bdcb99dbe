import assert from 'node:assert/strict';
import {
  advantages,
  curves,
  type Drawing,
  images,
  latents,
  metrics,
  ratios,
  rewardCurve,
  sigmas,
  tensor,
} from '@flowbook/kernel-extensions';
import { textWidth } from '../../../kernel-extensions/src/display/rendering/font';
import { logOf, normals, pictureOf, schedule, tensorOf, trajectory } from './samples';

/** Title and subtitle lines of a drawing. */
const words = ({ spec }: Drawing) => {
  const { text, subtitle = [] } = spec.title as { text: string; subtitle?: string[] };
  return [text, ...subtitle].join('\n');
};

describe('sigmas()', () => {
  it('names each step with its timestep, sigma and length, and the steps of the window', () => {
    const { text } = sigmas(schedule, { window: [1, 3] });
    assert.match(text, /^Noise schedule, 10 steps, SDE window: steps 1 to 2$/m);
    assert.match(text, /^ {3}1 {4}964\.29 {3}0\.9643 {3}0\.0412 {3}SDE$/m);
    assert.equal(text.match(/SDE$/gm)?.length, 2);
  });

  it('ends a schedule without a last level at 0', () => {
    assert.match(
      sigmas({ sigmaValues: [1, 0.5], timestepValues: [1000, 500] }).text,
      /end +0\.0000$/,
    );
  });

  it('refuses a window outside the steps, and a schedule without steps', () => {
    assert.throws(() => sigmas(schedule, { window: [8, 11] }), {
      message: 'Cannot draw a schedule as window must lie within 0 to 10: current value is [8, 11]',
    });
    assert.throws(() => sigmas({ sigmaValues: [], timestepValues: [] }), {
      message: 'Cannot draw a schedule as the schedule must have steps: current value is 0',
    });
  });
});

describe('latents()', () => {
  it('gives the statistics of each state, with the log-probability of the step that led to it', () => {
    const { text } = latents(trajectory, { sample: 1 });
    assert.match(text, /sample 1 {2}· {2}4 channels of 8 × 8/);
    assert.match(text, /^t 964 .*\d$/m);
    assert.match(text, /^t 923 .* -0\.4$/m);
    assert.match(text, /^last .* -0\.7$/m);
  });

  it('draws a row of colours and a row for each channel asked for, a column for each state', () => {
    const { spec } = latents(trajectory, { channels: [2] });
    const [grid] = spec.vconcat as { layer: { data: { values: { row: string }[] } }[] }[];
    const rows = grid.layer[0].data.values.map(({ row }) => row);
    assert.deepEqual(rows, [...Array(3).fill('colours (PCA)'), ...Array(3).fill('channel 2')]);
  });

  it('takes planes and an odd number of tokens', () => {
    const planes = tensorOf([1, 2, 4, 1, 6, 10], normals(480));
    assert.match(latents({ all_latents: planes }).text, /4 channels of 6 × 10/);
    const tokens = tensorOf([1, 2, 6, 8], normals(96));
    assert.match(latents({ all_latents: tokens }).text, /2 channels of 4 × 6/);
    assert.match(latents({ all_latents: tokens }, { grid: [3, 2] }).text, /2 channels of 6 × 4/);
  });

  it('warns of NaN with the first state that has any', () => {
    const numbers = normals(768);
    numbers[300] = NaN;
    const drawing = latents({ all_latents: tensorOf([1, 3, 16, 16], numbers) });
    assert.match(
      words(drawing),
      /⚠ From state 1 on, 1 value of 256 are NaN or infinite \(black\)\./,
    );
  });

  it('refuses other shapes, samples, channels and grids', () => {
    const of = (shape: number[]) => ({ all_latents: tensorOf(shape, normals(768)) });
    assert.throws(() => latents(of([3, 16, 16])), {
      message:
        'Cannot draw latents as their shape must be (B, T, S, C) or (B, T, C, h, w): current value is (3, 16, 16)',
    });
    const good = of([1, 3, 16, 16]);
    assert.throws(() => latents(good, { sample: 1 }), /sample must be 0 to 0: current value is 1$/);
    assert.throws(
      () => latents(good, { channels: [4] }),
      /channels must be 0 to 3: current value is 4$/,
    );
    assert.throws(
      () => latents(good, { grid: [3, 5] }),
      /grid must hold 16 tokens: current value is 3 x 5$/,
    );
  });
});

describe('images()', () => {
  it('counts the verdicts and lists the captions', () => {
    const { text } = images([pictureOf(8, 8), pictureOf(8, 8)], {
      captions: ['a red circle', 'a cross'],
      verdicts: [true, false],
    });
    assert.equal(text, '2 pictures, 8 × 8 pixels  ·  1 of 2 pass\n1. ✓ a red circle\n2. ✗ a cross');
  });

  it('fills rows of equal length, or the columns asked for', () => {
    const nine = Array.from({ length: 9 }, () => pictureOf(32, 32));
    const xs = (drawing: Drawing) =>
      new Set((drawing.spec.data as { values: { x: number }[] }).values.map(({ x }) => x)).size;
    assert.equal(xs(images(nine)), 3);
    assert.equal(xs(images(nine, { columns: 5 })), 5);
  });

  it('refuses no pictures, and lists of another length', () => {
    assert.throws(() => images([]), {
      message: 'Cannot draw images as there must be at least one: current value is 0',
    });
    assert.throws(() => images([pictureOf(4, 4)], { captions: [] }), {
      message:
        'Cannot draw images as captions must be as many as the pictures (1): current value is 0',
    });
    assert.throws(
      () => images([pictureOf(4, 4)], { columns: 0 }),
      /columns must be a whole number/,
    );
    assert.throws(() => images([pictureOf(4, 4)], { scale: -1 }), /scale must be a number above 0/);
  });
});

describe('rewardCurve()', () => {
  it('says start and end as means of a few steps, the time, and the held-out reward', () => {
    const log = logOf(40);
    const mean = (rows: typeof log) =>
      (rows.reduce((sum, { reward }) => sum + reward, 0) / rows.length).toFixed(3);
    const start = mean(log.slice(0, 5));
    const end = mean(log.slice(-5));
    assert.match(
      words(rewardCurve(log)),
      new RegExp(`${start} → ${end}  ·  40 steps  ·  113 s  ·  held-out 0\\.550 → `),
    );
  });

  it('draws alarms on the chart: rewards that are not finite, groups without spread, own ones', () => {
    const drawing = rewardCurve(
      [...logOf(60), { step: 60, reward: 0.9, alarm: 'the run was resumed' }],
      { alarms: [{ step: 3, message: 'too hot' }] },
    );
    assert.match(words(drawing), /⚠ Step 41: the reward is not a finite number\./);
    assert.match(words(drawing), /⚠ Step 22: all rewards are equal, so the step teaches nothing\./);
    assert.match(words(drawing), /⚠ Step 60: the run was resumed\.\n⚠ Step 3: too hot\./);
    assert.match(drawing.text, /⚠ Step 41/);
  });

  it('joins the steps of equal alarms', () => {
    const log = Array.from({ length: 9 }, (_, step) => ({ step, reward: null }));
    assert.match(words(rewardCurve(log)), /⚠ Step 0, 1, 2 and 6 more: the reward is not a finite/);
  });

  it('takes rows of an interface type', () => {
    interface Report {
      step: number;
      reward: number;
      images: string[];
    }
    const reports: Report[] = [{ step: 1, reward: 0.5, images: [] }];
    assert.match(rewardCurve(reports).text, /0\.5/);
    assert.match(metrics(reports).text, /reward/);
  });

  it('reads other fields on request', () => {
    const log = [{ step: 0, 'val/score': 0.25 }];
    assert.match(rewardCurve(log, { reward: 'val/score' }).text, /^Reward, 0\.25 {2}· {2}1 step$/m);
  });
});

describe('advantages() and ratios()', () => {
  it('take tensors and arrays alike', () => {
    const values = [-1, 0, 1, 6];
    const tensorText = advantages(tensorOf([2, 2], values), { clip: 5 }).text;
    assert.equal(tensorText, advantages(values, { clip: 5 }).text);
    assert.match(tensorText, /1 value beyond ±5/);
  });

  it('warn when nothing can be learned', () => {
    assert.match(words(advantages([0, 0])), /⚠ All advantages are 0/);
  });

  it('say ratios as their distance from 1, and the share outside the band', () => {
    const { text } = ratios([1, 1.0003, 0.99995, 1], { clipRange: 1e-4 });
    assert.match(text, /25 % outside the clip band/);
    assert.match(text, /1 - 0\.00005|1 - 5e-5/);
    assert.match(ratios([1, 1]).text, /mean 1 {2}· {2}1 to 1/);
  });

  it('warn of ratios that are log-probabilities by mistake', () => {
    assert.match(words(ratios([-0.5, -0.6])), /⚠ A ratio is 0 or less/);
  });
});

describe('metrics()', () => {
  it('gives the last, first, least and greatest value of every field with numbers', () => {
    const { text } = metrics([
      { step: 0, reward: 0.5, note: 'x', kl: null },
      { step: 1, reward: 0.25, kl: 1e-7 },
    ]);
    assert.match(text, /^reward {8}0\.25 {7}0\.5 {6}0\.25 {7}0\.5$/m);
    assert.match(text, /^kl +1e-7 +NaN +1e-7 +1e-7$/m);
    assert.doesNotMatch(text, /note|step /);
  });

  it('refuses rows without numbers', () => {
    assert.throws(() => metrics([{ step: 0 }]), {
      message:
        'Cannot draw metrics as rows must have fields with numbers: current value is 1 row without',
    });
  });
});

describe('tensor()', () => {
  it('says shape, dtype and statistics, and counts NaN and infinite numbers', () => {
    const numbers = new Float32Array(300).fill(2);
    numbers.set([NaN, Infinity, 4]);
    const drawing = tensor(tensorOf([300], numbers), { name: 'logits' });
    assert.match(words(drawing), /^logits: float32 \(300,\)\n300 values {2}· {2}mean 2\.007/);
    assert.match(words(drawing), /⚠ 1 of 300 values are NaN\.\n⚠ 1 of 300 values are infinite\./);
  });

  it('prints the first numbers', () => {
    const { text } = tensor(tensorOf([2, 3], [1, 2, 3, 4, 5, -6], 'int32'));
    assert.match(text, /\n\[1, 2, 3\]\n\[4, 5, -6\]$/);
  });

  it('has room for its longest number in each column', () => {
    const widthOf = (numbers: number[]) =>
      Number(tensor(tensorOf([numbers.length], numbers)).spec.width);
    assert.equal(widthOf([1, 2]), 124);
    assert.ok(widthOf([1, -0.0005908]) >= 2 * (textWidth('−0.0005908', 11) + 10));
  });

  it('refuses strings', () => {
    const strings = { shape: [1], dtype: 'string', dataSync: () => ['a'] };
    assert.throws(() => tensor(strings), {
      message: 'Cannot draw a tensor as dtype must be numeric: current value is string',
    });
  });
});

describe('curves()', () => {
  const runs = {
    FlowGRPO: [
      { step: 1, ratioMean: 1 },
      { step: 2, ratioMean: 0.5 },
      { step: 3, other: 1 },
    ],
    'GRPO-Guard': [{ step: 1, ratioMean: 1 }],
  };

  it('gives a line a run, and passes rows without the field over', () => {
    const { text, spec } = curves(runs, { field: 'ratioMean', mark: 1 });
    assert.match(text, /^FlowGRPO +1 +0\.5 +0\.5 +1$/m);
    assert.match(text, /^GRPO-Guard +1 +1 +1 +1$/m);
    assert.match(String(spec.description), /FlowGRPO ends at 0\.5; GRPO-Guard ends at 1/);
  });

  it('names runs with numbers that are not finite', () => {
    const { text } = curves({ a: [{ step: 1, reward: NaN }], b: [{ step: 1, reward: 1 }] });
    assert.match(text, /⚠ a is not finite at some steps\./);
    assert.doesNotMatch(text, /⚠ b/);
  });

  it('refuses no runs', () => {
    assert.throws(() => curves({}), {
      message: 'Cannot draw curves as there must be 1 to 7 runs: current value is 0',
    });
  });
});
