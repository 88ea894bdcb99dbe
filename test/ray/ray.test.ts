// One file for all that needs Ray: files run in several processes, and each would start a cluster.
import './rollouts';
import './rewards';
import './launcher';
