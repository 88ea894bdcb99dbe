import { element } from './element';

/** Where all panes look: how much larger, and how far moved, in pixels of the screen. */
export interface Zoom {
  factor: number;
  x: number;
  y: number;
}

/** One picture of a track, with its name and remark. */
export class Pane {
  readonly element: HTMLElement;
  readonly viewport: HTMLElement;
  readonly #picture = element('img', { draggable: false });
  readonly #over = element('img', { draggable: false, hidden: true, className: 'over' });
  readonly #note = element('span', { className: 'note' });

  constructor(name: string) {
    this.viewport = element('div', { className: 'viewport' }, [this.#picture, this.#over]);
    const caption = element('figcaption', {}, [element('b', { textContent: name }), this.#note]);
    this.element = element('figure', {}, [this.viewport, caption]);
  }

  show(url: string | null, alt: string, note: string): void {
    this.#picture.hidden = url === null;
    if (url !== null) this.#picture.src = url;
    this.#picture.alt = alt;
    this.#note.textContent = note;
  }

  /** Lays another picture over it, from `share` of the width to the right. */
  cover(url: string | null, share: number): void {
    this.#over.hidden = url === null;
    if (url !== null) this.#over.src = url;
    this.#over.alt = '';
    this.#over.style.clipPath = `inset(0 0 0 ${100 * share}%)`;
  }

  zoom({ factor, x, y }: Zoom): void {
    for (const picture of [this.#picture, this.#over]) {
      picture.style.transform = `translate(${x}px, ${y}px) scale(${factor})`;
    }
  }
}
