import assert from 'node:assert/strict';
import { Dealer } from 'zeromq';
import { KernelProcess } from '../../../kernel-extensions/src/kernel/client/kernel-process';
import { channelAddress } from '../../../kernel-extensions/src/kernel/protocol/connection-file';
import { createHeader, MessageCodec } from '../../../kernel-extensions/src/kernel/protocol/message';

describe('a client that connects again', () => {
  let kernel: KernelProcess;
  before(async () => {
    kernel = await KernelProcess.start();
  });
  after(async () => {
    kernel?.kill();
    await kernel?.ended;
  });

  const connect = (channel: 'shell' | 'control') => {
    const socket = new Dealer({
      routingId: `client-${channel}`,
      linger: 0,
      receiveTimeout: 30_000,
    });
    socket.connect(channelAddress(kernel.connection, channel));
    return socket;
  };

  /** The type of the reply; fails when there is none in time. */
  async function ask(socket: Dealer): Promise<string> {
    const codec = new MessageCodec(kernel.connection.key);
    const header = createHeader('kernel_info_request', 'client');
    const request = { identities: [], parent_header: {}, metadata: {}, content: {}, buffers: [] };
    await socket.send(codec.encode({ ...request, header }));
    return codec.decode(await socket.receive()).header.msg_type;
  }

  for (const channel of ['shell', 'control'] as const) {
    it(`is answered on ${channel} while its old socket is open, too`, async () => {
      const old = connect(channel);
      assert.equal(await ask(old), 'kernel_info_reply');
      const renewed = connect(channel);
      try {
        assert.equal(await ask(renewed), 'kernel_info_reply');
      } finally {
        old.close();
        renewed.close();
      }
    });
  }
});
