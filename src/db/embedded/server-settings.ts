import { createServer } from 'node:net';

/** The server's settings, by command line: a cluster made by an older hub gets today's. */
export function serverSettings(): string[] {
  const values = {
    listen_addresses: '127.0.0.1',
    // No socket in a folder: whoever may connect has the password.
    unix_socket_directories: '',
    max_connections: '500',
    shared_buffers: '128MB',
    fsync: 'on',
    synchronous_commit: 'on',
    full_page_writes: 'on',
    max_wal_size: '1GB',
    jit: 'off',
    timezone: 'UTC',
    log_timezone: 'UTC',
    cluster_name: 'voucher-hub',
    // Failed statements go to the hub, which knows what they mean; here they would fill the log, with data.
    log_min_messages: 'log',
    log_checkpoints: 'off',
  };
  return Object.entries(values).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

/** A port of the loopback address that nobody listens on at the moment. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        typeof address === 'object' && address !== null
          ? resolve(address.port)
          : reject(new Error('no port')),
      );
    });
  });
}
