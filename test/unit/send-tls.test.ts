import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createTlsServer } from 'node:https';
import { createServer as createNetServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createSecureContext, getCACertificates, setDefaultCACertificates } from 'node:tls';
import { limits } from '../../src/core/limits.ts';
import {
  cleanUp,
  listen,
  local,
  ManualClock,
  post,
  receiver,
  sender,
  signalled,
} from '../support/send-bench.ts';

const openssl = (() => {
  try {
    return execFileSync('openssl', ['version']).toString().trim();
  } catch {
    return null;
  }
})();

describe('TLS', { skip: openssl === null ? 'openssl is not installed' : false }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'hub-tls-'));
  const trusted = getCACertificates('default');
  const run = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

  /** A certificate for `host`, signed by the authority of these tests unless `self`. */
  function certificate(
    name: string,
    host: string,
    days: number,
    self = false,
  ): { key: string; cert: string } {
    writeFileSync(join(folder, `${name}.ext`), `subjectAltName=DNS:${host}\n`);
    if (self) {
      run(
        'req',
        '-x509',
        ...ec,
        '-keyout',
        `${name}.key`,
        '-out',
        `${name}.pem`,
        '-subj',
        `/CN=${host}`,
        '-days',
        String(days),
        '-addext',
        `subjectAltName=DNS:${host}`,
      );
    } else {
      run('req', ...ec, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${host}`);
      run(
        'x509',
        '-req',
        '-in',
        `${name}.csr`,
        '-CA',
        'ca.pem',
        '-CAkey',
        'ca.key',
        '-days',
        String(days),
        '-extfile',
        `${name}.ext`,
        '-out',
        `${name}.pem`,
      );
    }
    const read = (suffix: string) => readFileSync(join(folder, `${name}.${suffix}`), 'utf8');
    return { key: read('key'), cert: read('pem') };
  }

  async function tlsReceiver(options: {
    key: string;
    cert: string;
    maxVersion?: 'TLSv1.1';
    minVersion?: 'TLSv1';
    ciphers?: string;
  }): Promise<string> {
    let requests = 0;
    const server = createTlsServer(options, (_request, response) => response.end(`request ${++requests}`));
    server.on('tlsClientError', () => {});
    return `https://tls.example:${await listen(server)}/`;
  }

  before(() => {
    run(
      'req',
      '-x509',
      ...ec,
      '-keyout',
      'ca.key',
      '-out',
      'ca.pem',
      '-subj',
      '/CN=Test authority',
      '-days',
      '2',
    );
    setDefaultCACertificates([...trusted, readFileSync(join(folder, 'ca.pem'), 'utf8')]);
  });
  after(() => {
    setDefaultCACertificates(trusted);
    rmSync(folder, { recursive: true });
  });

  test('a target with a good certificate is reached', async () => {
    const url = await tlsReceiver(certificate('good', 'tls.example', 2));
    const result = await sender({ lookup: local() }).send(post(url));
    assert.deepEqual(
      [result.verdict, result.errorMessage, result.responseExcerpt],
      ['accepted', null, 'request 1'],
    );
  });

  test('the dot that ends an absolute name is no part of the name that TLS asks for and verifies', async () => {
    const asked: string[] = [];
    const pair = certificate('dot', 'tls.example', 2);
    const server = createTlsServer(
      {
        ...pair,
        SNICallback: (name, done) => {
          asked.push(name);
          done(null, createSecureContext(pair));
        },
      },
      (_request, response) => response.end('ok'),
    );
    const port = await listen(server);
    for (const host of ['tls.example', 'tls.example.']) {
      const result = await sender({ lookup: local() }).send(post(`https://${host}:${port}/`));
      assert.deepEqual([result.verdict, result.errorMessage], ['accepted', null], host);
    }
    const other = await sender({ lookup: local() }).send(post(`https://other.example.:${port}/`));
    assert.deepEqual([other.verdict, other.errorCode], ['connect', 'ERR_TLS_CERT_ALTNAME_INVALID']);
    assert.deepEqual(asked, ['tls.example', 'tls.example', 'other.example']);
  });

  test('a target that takes the connection and never agrees on TLS ends with the time to connect', async () => {
    const taken = signalled<void>();
    const port = await listen(createNetServer(() => taken.done()));
    const clock = new ManualClock();
    const sent = sender({ clock, lookup: local() }).send(
      post(`https://tls.example:${port}/`, { timeoutMs: 60_000 }),
    );
    await taken.promise;
    clock.advance(limits.connectMs);
    const { verdict, errorCode } = await sent;
    assert.deepEqual([verdict, errorCode], ['connect', 'UND_ERR_CONNECT_TIMEOUT']);
  });

  test('self-signed, expired and wrongly named certificates are refused every time, whatever the environment says', async () => {
    const verify = process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
    cleanUp(() => {
      if (verify === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
      else process.env.NODE_TLS_REJECT_UNAUTHORIZED = verify;
    });
    for (const [name, host, days, self, code] of [
      ['self', 'tls.example', 2, true, 'DEPTH_ZERO_SELF_SIGNED_CERT'],
      ['expired', 'tls.example', -1, false, 'CERT_HAS_EXPIRED'],
      ['wrong', 'other.example', 2, false, 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ] as const) {
      const url = await tlsReceiver(certificate(name, host, days, self));
      const hub = sender({ lookup: local() });
      for (let attempt = 0; attempt < 3; attempt++) {
        const result = await hub.send(post(url));
        assert.deepEqual(
          [result.verdict, result.errorCode],
          ['connect', code],
          `${name}, attempt ${attempt}`,
        );
      }
    }
  });

  test('an obsolete TLS version, and a target that speaks no TLS at all, are refused', async () => {
    const old = await tlsReceiver({
      ...certificate('old', 'tls.example', 2),
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    });
    const obsolete = await sender({ lookup: local() }).send(post(old));
    assert.equal(obsolete.verdict, 'connect');
    assert.match(obsolete.errorCode ?? '', /^(ERR_SSL_|EPROTO|ECONNRESET)/);
    const plain = await receiver((_request, response) => response.end());
    const bare = await sender({ lookup: local() }).send(post(plain.replace('http:', 'https:')));
    assert.equal(bare.verdict, 'connect');
    assert.match(bare.errorCode ?? '', /^(ERR_SSL_|EPROTO)/);
  });
});
