import type { DisplayBundle } from '../display';
import { type Comm, openComm, registerCommTarget } from '../kernel/comms';

/** Of Jupyter's widget messages (ipywidgets, "Model State" and "jupyter.widget" comms). */
const protocolVersion = '2.1.0';
const viewMime = 'application/vnd.jupyter.widget-view+json';

/** What a widget is: the names of its model and view, and where the front end finds them. */
export interface WidgetKind {
  /** Without `Model` and `View` at the end, such as `FloatProgress`. */
  name: string;
  module: '@jupyter-widgets/controls' | '@jupyter-widgets/base';
  /** Its view's name; null for what is no picture of its own, such as a layout. Default: its own with `View`. */
  view?: string | null;
}

const open = new Map<string, WidgetModel>();

/** A widget of Jupyter's front end, held by its state. */
export class WidgetModel {
  readonly #comm: Comm;
  readonly #state: Record<string, unknown>;
  readonly #parts: WidgetModel[];

  /**
   * Opens the widget.
   *
   * @param state may hold other widgets, which are closed with it.
   * @param onState called with what a person changed.
   * @param onCustom called with other events, such as a button's click.
   */
  constructor(
    { name, module, view = `${name}View` }: WidgetKind,
    state: Record<string, unknown>,
    {
      onState,
      onCustom,
    }: {
      onState?: (changed: Record<string, unknown>) => unknown;
      onCustom?: (content: Record<string, unknown>) => unknown;
    } = {},
  ) {
    answerReloads();
    const version = '2.0.0';
    this.#state = {
      _model_module: module,
      _model_module_version: version,
      _model_name: `${name}Model`,
      _view_module: view === null ? null : module,
      _view_module_version: version,
      _view_name: view,
      ...named(state),
    };
    this.#parts = Object.values(state).flat().filter(isWidget);
    this.#comm = openComm('jupyter.widget', {
      data: { state: this.#state, buffer_paths: [] },
      metadata: { version: protocolVersion },
    });
    open.set(this.#comm.id, this);
    this.#comm.onClose(() => open.delete(this.#comm.id));
    this.#comm.onMessage(({ data }) => {
      if (data.method === 'request_state') return this.#send(this.#state);
      if (data.method === 'custom') return onCustom?.(data.content as Record<string, unknown>);
      if (data.method !== 'update') return;
      const changed = data.state as Record<string, unknown>;
      Object.assign(this.#state, changed);
      return onState?.(changed);
    });
  }

  /** Its comm's id, which is the widget's. */
  get id(): string {
    return this.#comm.id;
  }

  /** Its state, as a page that was loaded anew asks for it. */
  get modelState() {
    return {
      model_name: this.#state._model_name,
      model_module: this.#state._model_module,
      model_module_version: this.#state._model_module_version,
      state: this.#state,
    };
  }

  /** The widget as an output, beside what other viewers are to show. */
  bundle(instead: Record<string, unknown>): DisplayBundle {
    const view = { version_major: 2, version_minor: 0, model_id: this.#comm.id };
    return { data: { [viewMime]: view, ...instead }, metadata: {} };
  }

  /** Changes its state, in the front end too. */
  set(changed: Record<string, unknown>): void {
    if (this.#comm.closed) return;
    Object.assign(this.#state, changed);
    this.#send(changed);
  }

  /** Takes it out of the front end, with its parts. */
  close(): void {
    open.delete(this.#comm.id);
    this.#comm.close();
    for (const part of this.#parts) part.close();
  }

  #send(state: Record<string, unknown>): void {
    this.#comm.send({ method: 'update', state, buffer_paths: [] });
  }
}

const isWidget = (value: unknown): value is WidgetModel => value instanceof WidgetModel;

/** A state whose widgets are named as the front end looks them up. */
function named(state: Record<string, unknown>): Record<string, unknown> {
  const name = (value: unknown): unknown =>
    isWidget(value) ? `IPY_MODEL_${value.id}` : Array.isArray(value) ? value.map(name) : value;
  return Object.fromEntries(Object.entries(state).map(([field, value]) => [field, name(value)]));
}

let answers = false;

/** A page that is loaded anew asks for all widgets at once, on a comm of its own. */
function answerReloads(): void {
  if (answers) return;
  answers = true;
  registerCommTarget('jupyter.widget.control', (comm) => {
    comm.onMessage(({ data }) => {
      if (data.method !== 'request_states') return;
      const states = Object.fromEntries(
        [...open.values()].map((model) => [model.id, model.modelState]),
      );
      comm.send({ method: 'update_states', states, buffer_paths: [] });
    });
  });
}
