import assert from 'node:assert/strict';
import { parse, View } from 'vega';
import { compile } from 'vega-lite';
import {
  MemorySink,
  mime,
  pictureTimeline,
  training,
  trainingDisplay,
  type TimelinePicture,
} from '@flowbook/kernel-extensions';
import {
  duration,
  progressLine,
  progressOf,
} from '../../../kernel-extensions/src/display/charts/training-progress';
import { alarmAt, logOf, pictureOf, timelineOf } from './samples';

const steps = (count: number, seconds: (step: number) => number) =>
  Array.from({ length: count }, (_, at) => ({
    step: at + 1,
    seconds: seconds(at + 1),
    reward: 0.5,
  }));

describe('progressOf()', () => {
  it('goes by the pace of the last steps, not by the first ones, which compile', () => {
    const log = steps(40, (step) => 100 + 2 * step);
    assert.deepEqual(progressOf(log, 100), {
      step: 40,
      steps: 100,
      seconds: 180,
      secondsLeft: 120,
    });
    assert.equal(
      progressOf(
        steps(1, () => 8),
        5,
      ).secondsLeft,
      32,
    );
  });

  it('counts no step before the first', () => {
    const nothing = { step: 0, steps: 9, seconds: 0, secondsLeft: null };
    assert.deepEqual(progressOf([], 9), nothing);
    assert.deepEqual(progressOf([{ step: 0, seconds: 3 }], 9), nothing);
  });

  it('progressLine() says step, share, time and time left, or how the run ended', () => {
    const progress = { step: 30, steps: 40, seconds: 75, secondsLeft: 25 };
    const bar = `${'█'.repeat(15)}${'░'.repeat(5)}`;
    assert.equal(
      progressLine(progress),
      `step 30 of 40  ${bar}  75 %  ·  1 min 15 s  ·  about 25 s left`,
    );
    assert.match(progressLine(progress, 'aborted'), /1 min 15 s {2}· {2}aborted$/);
    assert.deepEqual([0.4, 59.6, 600, 3599, 7500].map(duration), [
      '0 s',
      '1 min 0 s',
      '10 min',
      '1 h 0 min',
      '2 h 5 min',
    ]);
  });
});

describe('training()', () => {
  it('puts alarms on the chart and, in words, below it', () => {
    const { spec, text } = training({
      log: steps(30, (step) => step),
      alarms: [alarmAt(12), alarmAt(20, 'all is lost')],
      steps: 60,
    });
    const marks = JSON.stringify(spec).match(/"sign":"⚠"/g) ?? [];
    assert.equal(marks.length, 4, 'a rule and a sign for each');
    assert.match(text, /⚠ Step 20: all is lost\. Cause: .+\. What to do: lower it\.\n⚠ Step 12: /);
    assert.match(text, /^Training: step 30 of 60 .+ 50 % .+ about 30 s left$/m);
  });

  it('shows the loss of a run without rewards, and held-out rewards of a line before training', () => {
    const loss = training({
      log: [{ step: 1, seconds: 1, loss: 0.7 } as object as { step: 1 }],
      steps: 2,
    });
    assert.match(JSON.stringify(loss.spec), /"title":"loss"/);
    const before = { step: 0, seconds: 0, 'evaluation/reward': 0.25 };
    const after = { step: 1, seconds: 1, reward: 0.3, 'evaluation/reward': 0.5 };
    const both = training({ log: [before, after], steps: 2 });
    assert.match(both.text, /held-out 0\.250 → 0\.500/);
    assert.doesNotMatch(both.text, /not a finite number/);
  });
});

describe('pictureTimeline()', () => {
  it('goes through the evaluations by its slider, from the last one', async () => {
    const { spec } = pictureTimeline(timelineOf(3, 2));
    const view = new View(parse(compile(spec as never).spec), { renderer: 'none' });
    const shown = async () => {
      const svg = await view.toSVG();
      return [/step \d+/.exec(svg)?.[0], (svg.match(/<image/g) ?? []).length];
    };
    assert.deepEqual(await shown(), ['step 20', 2]);
    for (const [evaluation, step] of [
      [0, 'step 0'],
      [1, 'step 10'],
    ] as const) {
      await view.signal('evaluation', evaluation).runAsync();
      assert.deepEqual(await shown(), [step, 2]);
    }
    const [{ bind }] = spec.params as { bind: object }[];
    assert.deepEqual(bind, { input: 'range', min: 0, max: 2, step: 1, name: 'evaluation ' });
    view.finalize();
  });

  it('refuses to draw nothing', () => {
    assert.throws(() => pictureTimeline([]), {
      message: 'Cannot draw pictures over a run as there must be at least one: current value is 0',
    });
  });
});

describe('trainingDisplay()', () => {
  it('keeps one chart, and one grid once there are pictures', async () => {
    const sink = new MemorySink();
    const live = trainingDisplay({ sink });
    const pictures: TimelinePicture[] = [];
    const run = (count: number) => ({
      log: logOf(count),
      alarms: [],
      pictures: pictures as never[],
      steps: 9,
      folder: null,
    });
    live.onStep({}, run(2));
    pictures.push({ step: 1, place: 0, prompt: 'a fox', image: pictureOf(8, 8) });
    live.onStep({}, run(3));
    await live.finish('aborted');
    const [chart, grid] = [...new Set(sink.published.map(({ displayId }) => displayId))];
    const last = (id: string | undefined) =>
      sink.published.filter(({ displayId }) => displayId === id).at(-1)?.bundle;
    assert.deepEqual([last(chart)?.name, last(grid)?.name], ['training', 'picture-timeline']);
    assert.match(String(last(chart)?.data[mime.plain]), /aborted/);
    assert.ok(last(grid)?.data[mime.png]);
  });
});
