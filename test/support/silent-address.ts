import { spawn } from 'node:child_process';
import { cleanUp } from './send-bench.ts';

/** Its queue of connections is full, so the system drops every SYN; from a line on its input on it takes and answers all. */
const program = `
import socket, sys, threading
host, port = sys.argv[1], int(sys.argv[2])
server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind((host, port))
server.listen(0)
fill = [socket.socket() for _ in range(4)]
for one in fill:
    one.setblocking(False)
    one.connect_ex((host, port))
print('up', flush=True)
sys.stdin.readline()
def answer(caller):
    if caller.recv(65536):
        caller.sendall(b'HTTP/1.1 200 OK\\r\\nContent-Length: 4\\r\\n\\r\\nlate')
while True:
    threading.Thread(target=answer, args=(server.accept()[0],), daemon=True).start()
`;

import { once } from './wait.ts';

/** An address and port that takes no connection and refuses none until it is told to wake up; it ends with the test. */
export async function silentAddress(host: string, port: number): Promise<{ wake: () => void }> {
  const child = spawn('python3', ['-c', program, host, String(port)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  cleanUp(() => child.kill());
  await once(child.stdout, 'data');
  return { wake: () => child.stdin.write('\n') };
}
