import { createConnection, type NetConnectOpts, type Socket } from 'node:net';

const CONNECT_MS = 2_000;

/** Connects to where a pod's agent listens; the socket has no time-out afterwards. Rejects with the error of the system, or after two seconds. */
export function connectSocket(address: NetConnectOpts): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ ...address, timeout: CONNECT_MS });
    const fail = (cause?: Error): void => {
      socket.destroy();
      reject(cause ?? new Error('its pod does not answer in time'));
    };
    socket.once('timeout', () => fail());
    socket.once('error', fail);
    socket.once('connect', () => {
      socket.setTimeout(0);
      socket.removeAllListeners('timeout').removeListener('error', fail);
      resolve(socket);
    });
  });
}
