import { readFileSync } from 'node:fs';

/** The file by which a client tells a kernel where to listen (Jupyter's connection file). */
export interface ConnectionInfo {
  transport: 'tcp' | 'ipc';
  ip: string;
  key: string;
  signature_scheme: string;
  shell_port: number;
  iopub_port: number;
  stdin_port: number;
  control_port: number;
  hb_port: number;
}

export type Channel = 'shell' | 'iopub' | 'stdin' | 'control' | 'hb';

/** Reads and checks a connection file. */
export function readConnectionFile(path: string): ConnectionInfo {
  const info = JSON.parse(readFileSync(path, 'utf8')) as ConnectionInfo;
  if (info.key && info.signature_scheme !== 'hmac-sha256') {
    throw new Error(
      `Cannot start as signature_scheme must be hmac-sha256: current value is ${info.signature_scheme}`,
    );
  }
  return info;
}

/** The ZeroMQ address of one channel. */
export function channelAddress(info: ConnectionInfo, channel: Channel): string {
  const port = info[`${channel}_port`];
  return info.transport === 'ipc' ? `ipc://${info.ip}-${port}` : `tcp://${info.ip}:${port}`;
}
