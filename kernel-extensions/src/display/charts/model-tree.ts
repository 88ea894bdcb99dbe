import { formatBytes } from '@flowbook/sdk/format-bytes';
import { ANYTHING, checkOptions, type Rules } from '@flowbook/sdk/option-rules';
import { Drawing } from '../drawing';
import { format, plural } from '../numbers';
import { refuse } from '../refuse';
import { requireRecord } from '../require-data';
import { chartSpec } from '../rendering/chart-spec';
import { type ModelNode, modelNodes, type NamedTensors, openNodes } from './model-nodes';
import { modelTreeView } from './model-tree-view';

export type { NamedTensors };

/** Options of `modelTree()`. */
export interface ModelTreeOptions {
  /** Gradients by the names of their parameters, as of `policyGradients`. Default: none are drawn. */
  gradients?: NamedTensors;
  /** Levels below the model that are opened. Default: as many as give at most 40 rows. */
  depth?: number;
  title?: string;
}

const mostRows = 40;
/** However deep one asks, more rows than this are cut. */
const drawnRows = 400;

const RULES: Rules<ModelTreeOptions> = {
  gradients: ANYTHING,
  depth: ANYTHING,
  title: ANYTHING,
};

/**
 * A model's parameters as a tree by the dots in their names: shapes, numbers of parameters, memory, the spread of the
 * weights, and with gradients where they are long.
 *
 * @param parameters by name, such as `transformer.trainableVariables()` or what a safetensors file holds.
 * @throws if there are no parameters, a tensor was disposed, or a gradient is of none of them.
 * @example
 * const weight = { shape: [2, 2], dtype: 'float32', dataSync: () => Float32Array.of(1, 2, 3, 4) };
 * const drawing = modelTree({ 'blocks.0.weight': weight, 'blocks.1.weight': weight });
 */
export function modelTree(parameters: NamedTensors, options: ModelTreeOptions = {}): Drawing {
  checkOptions('draw a model', options, RULES);
  const { gradients, depth, title = 'Model' } = options;
  requireRecord('draw a model', 'parameters by name', parameters);
  const count = parameters instanceof Map ? parameters.size : Object.keys(parameters).length;
  if (count === 0) {
    refuse('draw a model', 'it must have parameters', 0);
  }
  const root = modelNodes(parameters, gradients);
  const open = openNodes(root, mostRows, depth);
  const nodes = open.slice(0, drawnRows);
  const facts = [
    `${format(root.parameters)} parameters in ${plural(root.tensors, 'tensor')}`,
    formatBytes(root.bytes),
    ...(Number.isFinite(root.gradient) ? [`length of the gradient ${format(root.gradient)}`] : []),
  ].join('  ·  ');
  const warnings = [
    ...(root.broken > 0
      ? [`${plural(root.broken, 'value')} of weights or gradients are NaN or infinite.`]
      : []),
    ...(open.length > nodes.length
      ? [`Only the first ${drawnRows} of ${open.length} rows are drawn.`]
      : []),
  ];
  const spec = chartSpec(
    {
      title,
      subtitle: facts,
      warnings,
      description: `Tree of a model, ${facts}: ${root.children.map(({ name }) => name).join(', ')}.`,
    },
    modelTreeView(nodes, root),
  );
  const text = [
    `${title}: ${facts}`,
    ...warnings.map((warning) => `⚠ ${warning}`),
    ...nodes.slice(1).map(line),
  ];
  return new Drawing({ name: 'model-tree', spec, text: text.join('\n') });
}

function line(node: ModelNode): string {
  const name = `${'  '.repeat(node.depth - 1)}${node.name}`;
  const what = node.shape ? `(${node.shape.join(', ')})` : plural(node.tensors, 'tensor');
  const gradient = Number.isFinite(node.gradient) ? `  gradient ${format(node.gradient)}` : '';
  return `${name.padEnd(34)} ${format(node.parameters).padStart(9)}  ${what}${gradient}`;
}
