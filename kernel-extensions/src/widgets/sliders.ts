import { inspect } from 'node:util';
import { display, type LiveDisplay, liveDisplay } from '../display';
import { commsAvailable } from '../kernel/comms';
import { box, slider } from './controls';
import { ownCell } from './own-cell';

/** A number to be chosen. */
export interface SliderRange {
  /** Where it begins. */
  value: number;
  min: number;
  max: number;
  /** Default: a hundredth of the range. */
  step?: number;
}

/** The function at work. */
interface Run {
  /** Of the cell or callback that it runs in: once aborted, the run may never end. */
  signal?: AbortSignal;
  ended: Promise<void>;
}

/** Numbers that a person changes, and what follows from them. */
export class Sliders<Name extends string> {
  readonly #ranges: Readonly<Record<Name, SliderRange>>;
  readonly #draw: (values: Record<Name, number>) => unknown;
  readonly #output: LiveDisplay;
  readonly #values: Record<Name, number>;
  #run: Run | null = null;
  #again = false;

  constructor(
    ranges: Readonly<Record<Name, SliderRange>>,
    draw: (values: Record<Name, number>) => unknown,
  ) {
    this.#ranges = ranges;
    this.#draw = draw;
    this.#output = liveDisplay();
    const entries = Object.entries<SliderRange>(ranges).map(([name, { value }]) => [name, value]);
    this.#values = Object.fromEntries(entries) as Record<Name, number>;
  }

  /** The numbers as they stand. */
  get values(): Readonly<Record<Name, number>> {
    return { ...this.#values };
  }

  [inspect.custom](): string {
    return `Sliders ${inspect(this.#values)}`;
  }

  /**
   * Moves sliders and runs the function; calls while it runs are one call more, with the newest numbers. A run that was interrupted
   * is not waited for: the function's cell signal says when, and the next call begins anew.
   *
   * @throws if a number is outside its range, or what the function throws.
   */
  async set(values: Partial<Record<Name, number>>): Promise<void> {
    for (const [name, value] of Object.entries(values) as [Name, number][]) {
      const range = this.#ranges[name];
      if (!range) {
        const names = Object.keys(this.#ranges).join(', ');
        throw new Error(
          `Cannot set a slider as its name must be one of ${names}: current value is ${name}`,
        );
      }
      checkRange(name, { ...range, value });
    }
    Object.assign(this.#values, values);
    this.#again = true;
    if (this.#run?.signal?.aborted) this.#run = null;
    await (this.#run ??= this.#start()).ended;
  }

  #start(): Run {
    const signal = ownCell()?.signal;
    const run: Run = {
      // A callback of a cell that was interrupted before is not interrupted.
      signal: signal?.aborted ? undefined : signal,
      ended: this.#drawNewest(() => this.#run === run).finally(() => {
        if (this.#run === run) this.#run = null;
      }),
    };
    return run;
  }

  /** @param isNewest False once an interrupted run that went on all the same has been replaced. */
  async #drawNewest(isNewest: () => boolean): Promise<void> {
    do {
      while (this.#again) {
        this.#again = false;
        const drawn = await this.#draw(this.values);
        if (!isNewest()) return;
        this.#output.update(drawn);
      }
      await this.#output.finish();
    } while (this.#again && isNewest()); // moved while the last output was drawn
  }
}

/**
 * Sliders above the output of a function, which runs anew when one is moved. A saved notebook keeps the last output, and
 * outside of a notebook the function runs once.
 *
 * @param ranges by the name that the function takes.
 * @param draw gives anything that `display` takes, or a promise of it.
 * @returns once the function has run for the first time.
 * @throws if a range does not hold its value, or what the first run throws.
 * @example
 * const chosen = await sliders({ eta: { value: 0.7, min: 0, max: 1 } }, ({ eta }) => `eta ${eta}`);
 * chosen.values; // { eta: 0.7 }
 */
export async function sliders<Name extends string>(
  ranges: Readonly<Record<Name, SliderRange>>,
  draw: (values: Record<Name, number>) => unknown,
): Promise<Sliders<Name>> {
  const entries = Object.entries(ranges) as [Name, SliderRange][];
  if (entries.length === 0) {
    throw new Error('Cannot show sliders as there must be at least one: current value is 0');
  }
  for (const [name, range] of entries) checkRange(name, range);
  const state = new Sliders(ranges, draw);
  if (commsAvailable()) {
    const widgets = entries.map(([name, { value, min, max, step = (max - min) / 100 }]) =>
      slider(name, { value, min, max, step }, (moved) =>
        state.set({ [name]: moved } as Partial<Record<Name, number>>),
      ),
    );
    const words = entries.map(([name, { value }]) => `${name} ${value}`).join(', ');
    await display(box('VBox', widgets).bundle({ 'text/plain': `Sliders: ${words}` }));
  }
  await state.set({});
  return state;
}

function checkRange(name: string, { value, min, max }: SliderRange): void {
  if (min < max && value >= min && value <= max) return;
  throw new Error(
    `Cannot set slider "${name}" as its value must be ${min} to ${max}: current value is ${value}`,
  );
}
