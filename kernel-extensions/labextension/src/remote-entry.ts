import { framesExtension, type WidgetClass } from './frames-extension';

/** What JupyterLab shares with extensions: packages by name and version. */
type SharedScope = Record<string, Record<string, { get(): Promise<() => unknown> }>>;

let scope: SharedScope | null = null;

/** The module that JupyterLab asks for, as webpack's module federation hands modules over. */
const container = {
  init(shared: SharedScope): void {
    scope = shared;
  },
  async get(name: string): Promise<() => unknown> {
    const versions = scope?.['@lumino/widgets'];
    if (name !== './mimeExtension' || !versions) {
      throw new Error(
        `Cannot load ${name} of @flowbook/viewer as JupyterLab must ask for ./mimeExtension`,
      );
    }
    const [lumino] = Object.values(versions);
    const { Widget } = (await lumino.get())() as { Widget: WidgetClass };
    const module = { __esModule: true, default: framesExtension(Widget) };
    return () => module;
  },
};

const extensions = ((globalThis as { _JUPYTERLAB?: Record<string, unknown> })._JUPYTERLAB ??= {});
extensions['@flowbook/viewer'] = container;
