import { LocalLauncher, packagesFolder } from '@flowbook/kernel-extensions';
import { launcherContract } from './launcher-contract';

launcherContract('LocalLauncher', async () => ({
  launcher: new LocalLauncher(packagesFolder()),
  loseMachine: async (id) => void process.kill(Number(id), 'SIGKILL'),
  requeues: false,
}));
