import assert from 'node:assert/strict';
import { httpUrl } from '../../../../sdk/src/io/http/post';

describe('httpUrl()', () => {
  it('shows nothing of what stands before an @, which may be a password', () => {
    for (const [address, rule, shown] of [
      ['ftp://me:secret@a.example/', 'start with http:// or https://', 'ftp://...@a.example/'],
      ['me:sec@ret@a.example', 'start with http:// or https://', '...@a.example'],
      ['me:secret\n@a.example', 'start with http:// or https://', '...@a.example'],
      ['HTTP://me:secret@a example/', 'be a URL', 'HTTP://...@a example/'],
    ]) {
      assert.throws(() => httpUrl(address), {
        message: `Cannot send to an address as it must ${rule}: current value is "${shown}"`,
      });
    }
  });
});
