import assert from 'node:assert/strict';
import { RayLauncher, packagesFolder } from '@flowbook/kernel-extensions';
import { launcherContract } from '../kernel-extensions/cluster/launcher-contract';
import { sharedCluster, type RayCluster, type RayNode } from './ray-cluster';

let cluster: RayCluster;
const machines: RayNode[] = [];

launcherContract('RayLauncher @ray', async () => {
  cluster = await sharedCluster();
  // Jobs run on a machine that can be taken away: the only one that has room for them.
  machines.push(await cluster.addNode(2, { job: 2 }));
  const { dashboard: address, token } = cluster;
  return {
    launcher: new RayLauncher({
      address,
      token,
      packages: packagesFolder(),
      processors: 0.1,
      resources: { job: 0.1 },
    }),
    loseMachine: async () => {
      machines.pop()?.kill();
      machines.push(await cluster.addNode(2, { job: 2 }));
    },
    requeues: false,
  };
});

describe('RayJobs @ray', function () {
  this.timeout(60_000);

  it('is refused without the token', async () => {
    cluster = await sharedCluster();
    const packages = packagesFolder();
    const launcher = new RayLauncher({ address: cluster.dashboard, token: 'wrong', packages });
    await assert.rejects(
      launcher.status('any'),
      /^RayJobsError: Cannot ask Ray at http:\/\/127\.0\.0\.1:\d+ as GET \/api\/jobs\/any must succeed: it answers 40[13] /,
    );
  });

  after(() => machines.forEach((machine) => machine.kill()));
});
