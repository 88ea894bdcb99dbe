import { readFileSync } from 'node:fs';
import { openComm } from '../../comms';
import type { Comm } from '../../comms';
import { displaySymbol } from '../../../display/bundle';
import { toBundle } from '../../../display/to-bundle';
import type { MimeBundle } from '../../../display/bundle';
import type { DialectHost } from './dialect';

interface DenoDisplayOptions {
  raw?: boolean;
  update?: boolean;
  display_id?: string;
}

interface BroadcastOptions {
  metadata?: Record<string, unknown>;
  buffers?: Uint8Array[];
}

/** `Deno.jupyter`: displays, and messages to the front end. */
export function denoJupyter({ currentCell, publish }: DialectHost) {
  const comms = new Map<string, Comm>();

  async function display(value: unknown, options: DenoDisplayOptions = {}): Promise<void> {
    const data = options.raw ? (value as MimeBundle) : await format(value);
    const { update = false, display_id } = options;
    await broadcast(update ? 'update_display_data' : 'display_data', {
      data,
      metadata: {},
      transient: display_id === undefined ? {} : { display_id },
    });
  }

  async function broadcast(
    type: string,
    content: Record<string, unknown>,
    { metadata = {}, buffers = [] }: BroadcastOptions = {},
  ): Promise<void> {
    const text = (name: string) => String(content[name] ?? '');
    switch (type) {
      case 'display_data':
      case 'update_display_data': {
        const { data = {}, metadata: own = {}, transient = {} } = content as Record<string, object>;
        publish(currentCell(), {
          output_type: type,
          data: data as MimeBundle,
          metadata: own as Record<string, unknown>,
          transient,
        });
        return;
      }
      case 'stream':
        process[content.name === 'stderr' ? 'stderr' : 'stdout'].write(text('text'));
        return;
      case 'clear_output':
        publish(currentCell(), { output_type: 'clear_output', wait: content.wait === true });
        return;
      case 'comm_open': {
        const data = content.data as Record<string, unknown> | undefined;
        const id = text('comm_id');
        comms.set(id, openComm(text('target_name'), { id, data, metadata, buffers }));
        return;
      }
      case 'comm_msg':
        comms
          .get(text('comm_id'))
          ?.send(content.data as Record<string, unknown>, { metadata, buffers });
        return;
      case 'comm_close':
        comms.get(text('comm_id'))?.close(content.data as Record<string, unknown> | undefined);
        return;
      default:
        throw new Error(
          `Cannot broadcast as the type must be display_data, update_display_data, stream, clear_output, comm_open, comm_msg or comm_close: current value is ${type}`,
        );
    }
  }

  return {
    $display: displaySymbol,
    display,
    broadcast,
    format,
    html: tagged('text/html'),
    md: tagged('text/markdown'),
    svg: tagged('image/svg+xml'),
    image: (source: string | URL | Uint8Array) => {
      const bytes = source instanceof Uint8Array ? source : readFileSync(source);
      const type = bytes[0] === 0xff ? 'image/jpeg' : 'image/png';
      return shown({ [type]: Buffer.from(bytes).toString('base64') });
    },
  };
}

async function format(value: unknown): Promise<MimeBundle> {
  return (await toBundle(value)).data;
}

/** A template tag whose result is shown as its text, taken for a type. */
function tagged(type: string) {
  return (parts: TemplateStringsArray, ...values: unknown[]) =>
    shown({ [type]: parts.reduce((text, part, index) => text + String(values[index - 1]) + part) });
}

function shown(bundle: MimeBundle) {
  return { [displaySymbol]: () => bundle };
}
