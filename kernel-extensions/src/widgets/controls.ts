import { WidgetModel } from './widget-model';

const controls = '@jupyter-widgets/controls';

/** How much room a widget takes, in CSS. */
function layout(css: Record<string, string> = {}): WidgetModel {
  return new WidgetModel({ name: 'Layout', module: '@jupyter-widgets/base' }, css);
}

/** Widgets beside each other, or below each other. */
export function box(direction: 'HBox' | 'VBox', children: readonly WidgetModel[]): WidgetModel {
  return new WidgetModel(
    { name: direction, module: controls },
    {
      children,
      layout: layout(direction === 'HBox' ? { align_items: 'center' } : {}),
    },
  );
}

/** A bar from 0 to `max`. */
export function bar(max: number): WidgetModel {
  return new WidgetModel(
    { name: 'FloatProgress', module: controls, view: 'ProgressView' },
    { min: 0, max, value: 0, layout: layout({ width: '320px' }) },
  );
}

/** A line of text; never markup. */
export function label(value: string): WidgetModel {
  return new WidgetModel({ name: 'Label', module: controls }, { value, layout: layout() });
}

/** A button. */
export function button(
  description: string,
  { tooltip, icon, onClick }: { tooltip: string; icon: string; onClick: () => unknown },
): WidgetModel {
  return new WidgetModel(
    { name: 'Button', module: controls },
    { description, tooltip, icon, layout: layout({ width: '90px' }) },
    { onCustom: ({ event }) => (event === 'click' ? onClick() : undefined) },
  );
}

/** A slider over an interval. */
export function slider(
  description: string,
  range: { value: number; min: number; max: number; step: number },
  onValue: (value: number) => unknown,
): WidgetModel {
  return new WidgetModel(
    { name: 'FloatSlider', module: controls },
    {
      ...range,
      description,
      description_allow_html: false,
      continuous_update: true,
      readout: true,
      readout_format: '.4~g',
      layout: layout({ width: '480px' }),
    },
    {
      onState: ({ value }) =>
        typeof value === 'number' && Number.isFinite(value) ? onValue(value) : undefined,
    },
  );
}
