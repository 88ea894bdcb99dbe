import { element } from './element';
import { Pane, type Zoom } from './pane';
import type { Frames } from './read-frames';

const framesPerSecond = 6;
const largestZoom = 16;

/** Pictures to go through: the chosen frame of the chosen tracks, large, above all frames in small. */
export class FramesView {
  readonly element: HTMLElement;
  readonly #frames: Frames;
  readonly #slider: HTMLInputElement;
  readonly #label = element('output', { className: 'label' });
  readonly #play = element('button', { type: 'button', textContent: '▶', title: 'Play' });
  readonly #stage = element('div', { className: 'stage' });
  readonly #wipe: HTMLInputElement;
  readonly #thumbs: HTMLButtonElement[][] = [];
  readonly #chosen: boolean[];
  #panes: { track: number; pane: Pane }[] = [];
  #zoom: Zoom = { factor: 1, x: 0, y: 0 };
  #over = false;
  #timer: ReturnType<typeof setInterval> | null = null;

  constructor(frames: Frames) {
    this.#frames = frames;
    this.#chosen = frames.tracks.map((_, track) => track < 2);
    const last = frames.labels.length - 1;
    this.#slider = range({ max: last, value: frames.start, name: `${frames.unit} shown` });
    this.#slider.oninput = () => this.#show();
    this.#wipe = range({ max: 100, value: 50, name: 'how much of the second covers the first' });
    this.#wipe.oninput = () => this.#show();
    this.#play.onclick = () => (this.#timer === null ? this.#start() : this.stop());
    const zoom = range({ min: 1, max: largestZoom, value: 1, name: 'zoom' });
    zoom.oninput = () => this.#setZoom({ factor: Number(zoom.value), x: 0, y: 0 });
    const bar = element('div', { className: 'bar' }, [
      this.#play,
      this.#slider,
      this.#label,
      element('label', {}, ['zoom ', zoom]),
      ...(frames.tracks.length > 1 ? this.#comparison() : []),
    ]);
    this.element = element('section', { ariaLabel: frames.description }, [
      element('h3', { textContent: frames.title }),
      bar,
      this.#stage,
      this.#strip(),
    ]);
    // Arrow keys move the slider, not JupyterLab's selection of cells.
    this.element.dataset.lmSuppressShortcuts = 'true';
    this.element.onkeydown = (event) => event.stopPropagation();
    this.#lay();
  }

  /** Ends what plays. */
  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    this.#play.textContent = '▶';
    this.#play.title = 'Play';
  }

  #start(): void {
    const count = this.#frames.labels.length;
    this.#timer = setInterval(() => this.#go((this.#at + 1) % count), 1000 / framesPerSecond);
    this.#play.textContent = '⏸';
    this.#play.title = 'Pause';
  }

  get #at(): number {
    return Number(this.#slider.value);
  }

  #go(frame: number): void {
    this.#slider.value = String(frame);
    this.#show();
  }

  /** Which tracks are large, and whether the second lies over the first. */
  #comparison(): HTMLElement[] {
    const boxes = this.#frames.tracks.map(({ name }, track) => {
      const box = element('input', { type: 'checkbox', checked: this.#chosen[track] });
      box.onchange = () => {
        this.#chosen[track] = box.checked;
        this.#lay();
      };
      return element('label', {}, [box, name]);
    });
    const over = element('input', { type: 'checkbox' });
    over.onchange = () => {
      this.#over = over.checked;
      this.#wipe.hidden = !over.checked;
      this.#lay();
    };
    this.#wipe.hidden = true;
    return [...boxes, element('label', {}, [over, 'over each other']), this.#wipe];
  }

  #lay(): void {
    const tracks = this.#frames.tracks.flatMap((_, track) => (this.#chosen[track] ? [track] : []));
    const large = this.#over ? tracks.slice(0, 1) : tracks;
    this.#panes = large.map((track) => ({
      track,
      pane: new Pane(this.#frames.tracks.length > 1 ? this.#frames.tracks[track].name : ''),
    }));
    for (const { pane } of this.#panes) this.#drag(pane.viewport);
    this.#stage.replaceChildren(...this.#panes.map(({ pane }) => pane.element));
    this.#show();
  }

  #show(): void {
    const at = this.#at;
    const { labels, tracks } = this.#frames;
    this.#label.textContent = labels[at];
    const second = tracks.filter((_, track) => this.#chosen[track])[1];
    for (const { track, pane } of this.#panes) {
      const { name, urls, notes } = tracks[track];
      pane.show(urls[at], `${name}, ${labels[at]}`, notes?.[at] ?? '');
      pane.cover(this.#over && second ? second.urls[at] : null, Number(this.#wipe.value) / 100);
      pane.zoom(this.#zoom);
    }
    for (const row of this.#thumbs) {
      row.forEach((thumb, frame) => (thumb.ariaPressed = String(frame === at)));
    }
  }

  #setZoom(zoom: Zoom): void {
    this.#zoom = zoom;
    for (const { pane } of this.#panes) pane.zoom(zoom);
  }

  /** All panes are moved together, so that the same place is compared. */
  #drag(viewport: HTMLElement): void {
    viewport.onpointerdown = (begin) => {
      const { factor, x, y } = this.#zoom;
      viewport.setPointerCapture(begin.pointerId);
      viewport.onpointermove = (move) =>
        this.#setZoom({
          factor,
          x: x + move.clientX - begin.clientX,
          y: y + move.clientY - begin.clientY,
        });
    };
    viewport.onpointerup = () => (viewport.onpointermove = null);
  }

  /** A row a track, a picture a frame; a click chooses the frame. */
  #strip(): HTMLElement {
    const rows = this.#frames.tracks.map(({ name, urls }) => {
      const thumbs = urls.map((url, frame) => {
        const picture = element('img', {
          alt: '',
          draggable: false,
          ...(url !== null && { src: url }),
        });
        const label = this.#frames.labels[frame];
        const thumb = element(
          'button',
          { type: 'button', title: label, ariaLabel: `${name}, ${label}` },
          [picture],
        );
        thumb.onclick = () => this.#go(frame);
        return thumb;
      });
      this.#thumbs.push(thumbs);
      const heading =
        this.#frames.tracks.length > 1 ? [element('span', { textContent: name })] : [];
      return element('div', { className: 'row' }, [...heading, ...thumbs]);
    });
    return element('div', { className: 'strip' }, rows);
  }
}

function range({
  min = 0,
  max,
  value,
  name,
}: {
  min?: number;
  max: number;
  value: number;
  name: string;
}) {
  const input = element('input', { type: 'range', ariaLabel: name });
  Object.assign(input, { min: String(min), max: String(max), step: '1' });
  input.value = String(value);
  return input;
}
