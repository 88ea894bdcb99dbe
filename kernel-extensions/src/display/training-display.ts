import type { RunView } from '@flowbook/sdk';
import { ANYTHING, checkOptions, optionsAmong, type Rules } from '@flowbook/sdk/option-rules';
import { pictureTimeline, type TimelinePicture } from './charts/picture-timeline';
import { training, type TrainingView } from './charts/training';
import {
  liveDisplay,
  LIVE_DISPLAY_RULES,
  type LiveDisplay,
  type LiveDisplayOptions,
} from './live-display';

/** Options of `trainingDisplay()`. */
export interface TrainingDisplayOptions extends Omit<LiveDisplayOptions, 'name'> {
  /** Default `Training`. */
  title?: string;
  /** Steps over which the smoothed line averages. */
  smoothing?: number;
}

/** What the options of `trainingDisplay` must be. */
export const TRAINING_DISPLAY_RULES: Rules<TrainingDisplayOptions> = {
  title: ANYTHING,
  smoothing: ANYTHING,
  sink: ANYTHING,
  intervalMs: ANYTHING,
};

/** What is shown of a run. */
export interface ShownRun extends TrainingView {
  pictures: readonly TimelinePicture[];
  /** How it stands. */
  state: string;
}

/** Two outputs that follow a run: its chart, and below it the pictures of its evaluations. */
export class TrainingDisplay {
  readonly #options: TrainingDisplayOptions;
  readonly #chart: LiveDisplay;
  #grid: LiveDisplay | null = null;
  #pictures = 0;
  #run: ShownRun = { log: [], steps: 0, pictures: [], state: 'running' };

  constructor(options: TrainingDisplayOptions = {}) {
    checkOptions('show a training', options, TRAINING_DISPLAY_RULES);
    this.#options = options;
    this.#chart = liveDisplay(undefined, optionsAmong(options, LIVE_DISPLAY_RULES));
  }

  /** What the trainers' `onStep` takes. */
  readonly onStep = (_report: unknown, run: RunView): void => {
    this.show({ ...run, state: 'running' });
  };

  /** Shows a run as it stands, within half a second. */
  show(run: ShownRun): void {
    const { title, smoothing } = this.#options;
    this.#chart.update(() => training(run, { title, smoothing, state: run.state }));
    // A run adds to the list that it gave before, so its length is kept.
    if (run.pictures.length !== this.#pictures) {
      this.#pictures = run.pictures.length;
      this.#grid ??= liveDisplay(undefined, optionsAmong(this.#options, LIVE_DISPLAY_RULES));
      this.#grid.update(() => pictureTimeline(run.pictures));
    }
    this.#run = run;
  }

  /** Draws both a last time, in full. @param state How the run ended. */
  async finish(state = 'finished'): Promise<void> {
    this.show({ ...this.#run, state });
    await this.#chart.finish();
    await this.#grid?.finish();
  }
}

/**
 * Shows a run while it trains: progress with the time left, reward curve, alarms, and a grid of pictures with a slider over the
 * evaluations. Give its `onStep` to the trainer.
 *
 * @example
 * const live = trainingDisplay();
 * const { stopped } = await trainFlowGRPO(pipeline, {
 *   prompts: ['a red circle'],
 *   reward: 'redness',
 *   groupSize: 4,
 *   steps: 2,
 *   onStep: live.onStep,
 * });
 * await live.finish(stopped);
 */
export function trainingDisplay(options: TrainingDisplayOptions = {}): TrainingDisplay {
  return new TrainingDisplay(options);
}
