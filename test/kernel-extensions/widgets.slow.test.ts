import assert from 'node:assert/strict';
import {
  MemorySink,
  mime,
  progressBar,
  setDisplaySink,
  sliders,
} from '@flowbook/kernel-extensions';
import type { Message } from '../../kernel-extensions/src/kernel/protocol/message';
import { runningKernel } from './kernel/running-kernel';

const texts = (sink: MemorySink) =>
  sink.published.map(({ bundle }) => String(bundle.data[mime.plain]));

describe('widgets outside of a notebook', () => {
  let sink: MemorySink;
  let restore: () => void;
  beforeEach(() => (restore = setDisplaySink((sink = new MemorySink()))));
  afterEach(() => restore());

  it('progressBar() shows a picture of its end', async () => {
    const bar = progressBar({ total: 2, unit: 'picture' });
    await bar.update(1);
    await bar.update(2);
    await bar.finish();
    assert.match(texts(sink).at(-1)!, /picture 2 of 2 .* finished$/);
    assert.ok(sink.published.at(-1)!.bundle.data[mime.png]);
    assert.equal(bar.stopped, false);
  });

  it('progressBar() refuses nothing to do', () => {
    assert.throws(() => progressBar({ total: 0 }), {
      message: 'Cannot draw progress as total must be above 0: current value is 0',
    });
  });

  it('sliders() runs once for calls while it runs, with the newest numbers', async () => {
    const seen: number[] = [];
    const chosen = await sliders({ eta: { value: 0.5, min: 0, max: 1 } }, async ({ eta }) => {
      seen.push(eta);
      await new Promise((settle) => setTimeout(settle, 20));
      return `eta ${eta}`;
    });
    await Promise.all([0.6, 0.7, 0.8].map((eta) => chosen.set({ eta })));
    assert.deepEqual(seen, [0.5, 0.6, 0.8]);
    assert.equal(texts(sink).at(-1), 'eta 0.8');
    assert.deepEqual(chosen.values, { eta: 0.8 });
  });

  it('sliders() runs again for a call while the last output is drawn', async () => {
    const chosen = await sliders({ eta: { value: 0.5, min: 0, max: 1 } }, ({ eta }) => ({
      [Symbol.for('Jupyter.display')]: async () => {
        await new Promise((settle) => setTimeout(settle, 100));
        return { [mime.plain]: `eta ${eta}` };
      },
    }));
    const first = chosen.set({ eta: 0.6 });
    await new Promise((settle) => setTimeout(settle, 50));
    await Promise.all([first, chosen.set({ eta: 0.7 })]);
    assert.equal(texts(sink).at(-1), 'eta 0.7');
  });

  it('sliders() refuses no sliders, numbers outside, and names that are none', async () => {
    await assert.rejects(
      sliders({}, () => ''),
      {
        message: 'Cannot show sliders as there must be at least one: current value is 0',
      },
    );
    await assert.rejects(
      sliders({ eta: { value: 2, min: 0, max: 1 } }, () => ''),
      { message: 'Cannot set slider "eta" as its value must be 0 to 1: current value is 2' },
    );
    const chosen = await sliders({ eta: { value: 1, min: 0, max: 1 } }, () => '');
    await assert.rejects(chosen.set({ other: 1 } as never), {
      message: 'Cannot set a slider as its name must be one of eta: current value is other',
    });
  });
});

describe('widgets in the kernel', function () {
  this.timeout(60_000);
  const running = runningKernel();
  const models = new Map<string, string>();
  const seen: Message[] = [];
  before(() =>
    running.kernel.onIopub((message) => {
      seen.push(message);
      const { comm_id, data } = message.content as {
        comm_id: string;
        data?: { state?: { _model_name?: string } };
      };
      const name = message.header.msg_type === 'comm_open' && data?.state?._model_name;
      if (name) models.set(name, comm_id);
    }),
  );

  async function until<T>(find: () => T | undefined): Promise<T> {
    for (let found = find(); ; found = find()) {
      if (found !== undefined) return found;
      await new Promise((settle) => setTimeout(settle, 10));
    }
  }

  it("Stop aborts the cell's signal and ends the loop, and the bar stays as a picture", async () => {
    const cell = running.kernel.execute(
      `import { progressBar } from '@flowbook/kernel-extensions';
const signal = (globalThis as any)[Symbol.for('flowbook.cell')].signal as AbortSignal;
const bar = progressBar({ total: 1e9 });
let done = 0;
try { for (;;) { await bar.update(++done); } } catch (error) { console.log((error as Error).message); }
console.log(bar.stopped, signal.aborted);`,
    );
    const stop = await until(() => models.get('ButtonModel'));
    running.kernel.sendComm('comm_msg', {
      comm_id: stop,
      data: { method: 'custom', content: { event: 'click' } },
    });
    const { status, outputs } = await cell;
    assert.equal(status, 'ok');
    const printed = outputs.flatMap((output) => ('text' in output ? [output.text] : [])).join('');
    assert.match(printed, /Stop was pressed\ntrue true\n/);
    const updates = seen.filter(({ header }) => header.msg_type === 'update_display_data');
    const data = updates.at(-1)!.content.data as Record<string, unknown>;
    assert.match(String(data[mime.plain]), /stopped$/);
    assert.deepEqual(Object.keys(data).sort(), [mime.vegaLite, mime.png, mime.plain].sort());
    const closed = () => seen.find(({ header }) => header.msg_type === 'comm_close');
    assert.equal(closed(), undefined, 'a front end may still be loading them');
    const ended = performance.now();
    assert.equal((await until(closed)).content.comm_id, models.get('HBoxModel'));
    assert.ok(performance.now() - ended > 5000);
  });

  it('a slider that is moved runs the function again, after its cell has ended', async () => {
    const { error } = await running.kernel.execute(
      `import { sliders } from '@flowbook/kernel-extensions';
await sliders({ eta: { value: 0.5, min: 0, max: 1 } }, ({ eta }) => 'eta is ' + eta);`,
    );
    assert.equal(error, null);
    const eta = await until(() => models.get('FloatSliderModel'));
    running.kernel.sendComm('comm_msg', {
      comm_id: eta,
      data: { method: 'update', state: { value: 0.9 }, buffer_paths: [] },
    });
    const update = await until(() =>
      seen.find(
        ({ header, content }) =>
          header.msg_type === 'update_display_data' &&
          JSON.stringify(content).includes('eta is 0.9'),
      ),
    );
    assert.ok(update);
  });

  it('a page that is loaded anew gets the state of all widgets', async () => {
    running.kernel.sendComm('comm_open', {
      comm_id: 'reload',
      target_name: 'jupyter.widget.control',
      data: {},
    });
    running.kernel.sendComm('comm_msg', { comm_id: 'reload', data: { method: 'request_states' } });
    const { content } = await until(() =>
      seen.find(
        ({ header, content }) => header.msg_type === 'comm_msg' && content.comm_id === 'reload',
      ),
    );
    const { states } = content.data as {
      states: Record<string, { model_name: string; state: { value?: number } }>;
    };
    const names = Object.values(states).map(({ model_name }) => model_name);
    assert.deepEqual(names.sort(), ['FloatSliderModel', 'LayoutModel', 'LayoutModel', 'VBoxModel']);
    assert.equal(states[models.get('FloatSliderModel')!].state.value, 0.9);
  });

  const endless = {
    'a loop': 'await null; for (;;);',
    'a promise that never settles': 'await new Promise(() => {});',
    'a loop in its drawing':
      "return { [Symbol.for('Jupyter.display')]: async () => { await null; for (;;); } };",
  };
  for (const [name, code] of Object.entries(endless)) {
    it(`a slider whose function was interrupted in ${name} runs it again when it is moved`, async () => {
      const { kernel } = running;
      const texts = () =>
        seen.map(({ content }) =>
          String(content.text ?? (content.data as typeof content)?.[mime.plain]),
        );
      const shows = (text: string) => until(() => texts().includes(text) || undefined);
      const move = (value: number) =>
        kernel.sendComm('comm_msg', {
          comm_id: models.get('FloatSliderModel'),
          data: { method: 'update', state: { value }, buffer_paths: [] },
        });
      const begin = (hangsAt: number) =>
        kernel.execute(
          `// @ts-nocheck
await sliders({ eta: { value: 0.5, min: 0, max: 1 } }, async ({ eta }) => {
  if (eta === ${hangsAt}) { console.log('begins at', eta); ${code} }
  return 'eta is ' + eta;
});`,
        );
      await kernel.execute("import { sliders } from '@flowbook/kernel-extensions';");

      seen.length = 0;
      const cell = begin(0.5);
      await shows('begins at 0.5\n');
      await kernel.interrupt();
      assert.equal((await cell).error?.ename, 'Interrupted');
      move(0.9);
      await shows('eta is 0.9');

      seen.length = 0;
      assert.equal((await begin(0.6)).error, null);
      move(0.6);
      await shows('begins at 0.6\n');
      await kernel.interrupt();
      await shows('Interrupted: a callback was interrupted\n');
      move(0.8);
      await shows('eta is 0.8');
      assert.equal((await kernel.execute('1 + 1')).status, 'ok');
    });
  }
});
