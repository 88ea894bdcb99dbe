import assert from 'node:assert/strict';
import { compile, observer, tf } from '@flowbook/sdk';
import { ProgressMeter } from '../../../sdk/src/io/hub/download-progress';
import { textOnStderr } from '../io/hub/text-on-stderr';

const fail = () => {
  throw new Error('no screen');
};

describe('observer()', () => {
  it('calls whoever watches each time, and says what it throws once', async () => {
    const seen: number[] = [];
    const said = await textOnStderr(async () => {
      const observe = observer(
        (value: number) => {
          seen.push(value);
          throw value;
        },
        'A list',
        'counting',
      );
      [1, 2, 3].forEach((value) => observe(value));
    });
    assert.deepEqual(seen, [1, 2, 3]);
    assert.equal(said, 'A list failed, and counting goes on: 1\n');
  });

  it('says what a promise rejects with, and waits for none', async () => {
    const said = await textOnStderr(async () => {
      observer(async () => fail(), 'A list', 'counting')();
      await new Promise(setImmediate);
    });
    assert.equal(said, 'A list failed, and counting goes on: no screen\n');
  });

  it('lets a download and a compilation go on', async () => {
    const said = await textOnStderr(async () => {
      new ProgressMeter('owner/name', 10, fail).finish();
      const square = compile((x: tf.Tensor) => tf.square(x), { onFirstCall: fail });
      const x = tf.scalar(3);
      const y = square(x);
      assert.equal(y.dataSync()[0], 9);
      square.dispose();
      tf.dispose([x, y]);
    });
    assert.match(said, /^onProgress failed, and the download goes on: no screen\n/);
    assert.ok(said.split('\n').length <= 3);
  });
});
