import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { after } from 'node:test';

const program = `
import sys, json, hmac, hashlib
for line in sys.stdin:
    task = json.loads(line)
    raw = task["body"].encode("utf-8")
    parsed = json.loads(raw)
    again = json.dumps(parsed, sort_keys=True).encode("utf-8")
    expected = "sha256:" + hmac.new(task["secret"].encode(), again, hashlib.sha256).hexdigest()
    print(json.dumps({"same": again == raw, "signed": hmac.compare_digest(expected, task["signature"])}), flush=True)
`;

import { once } from './wait.ts';

/** Verifies webhooks as a Flask shop would: parse, dump again with sorted keys, compare the HMAC. */
export interface PythonVerifier {
  verify(request: {
    body: string;
    signature: string;
    secret: string;
  }): Promise<{ same: boolean; signed: boolean }>;
}

/** Starts one python3 for the file's tests. */
export function startPythonVerifier(): PythonVerifier {
  const python = spawn('python3', ['-c', program], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: python.stdout });
  after(() => python.kill());
  let turn: Promise<unknown> = Promise.resolve();
  return {
    verify(request) {
      const answer = turn.then(async () => {
        python.stdin.write(`${JSON.stringify(request)}\n`);
        const [line] = await once(lines, 'line');
        const verdict: { same: boolean; signed: boolean } = JSON.parse(String(line));
        return verdict;
      });
      turn = answer;
      return answer;
    },
  };
}
