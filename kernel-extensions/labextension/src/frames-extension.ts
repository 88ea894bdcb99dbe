import { FramesView } from './frames-view';
import { readFrames } from './read-frames';
import { addStyle } from './style';

const mimeType = 'application/vnd.flowbook.frames+json';

/** Lumino's widget, so far as it is used. */
export type WidgetClass = new () => {
  node: HTMLElement;
  addClass(name: string): void;
  dispose(): void;
};

/** JupyterLab's extension of its renderers by a MIME type. */
export function framesExtension(Widget: WidgetClass) {
  class FramesRenderer extends Widget {
    #view: FramesView | null = null;

    /** Called by JupyterLab with each new content of the output. */
    async renderModel(model: { data: Record<string, unknown> }): Promise<void> {
      addStyle();
      this.addClass('flowbook-frames');
      this.#view?.stop();
      this.#view = new FramesView(readFrames(model.data[mimeType]));
      this.node.replaceChildren(this.#view.element);
    }

    override dispose(): void {
      this.#view?.stop();
      super.dispose();
    }
  }
  return {
    id: '@flowbook/viewer:frames',
    description: 'Shows series of pictures: scrub, zoom, compare.',
    rendererFactory: {
      safe: true,
      mimeTypes: [mimeType],
      createRenderer: () => new FramesRenderer(),
    },
    // Before the chart of the same bundle.
    rank: 0,
    dataType: 'json',
  };
}
