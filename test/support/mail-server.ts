import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { SMTPServer } from 'smtp-server';
import { until } from './wait.ts';

/** A real SMTP server with TLS that takes mail from one user. */
export interface MailServer extends AsyncDisposable {
  readonly port: number;
  /** PEM file of the authority that vouches for it. */
  readonly ca: string;
  readonly mails: { readonly to: string[]; readonly raw: string; readonly secure: boolean }[];
}

/** The user that it knows, and its password. */
export const mailUser = { user: 'hub', pass: 'mail-password-0123' };

/** Starts it. @param options.startTls without TLS until the client asks for it, as on port 587 */
export async function startMailServer(folder: string, options: { startTls: boolean }): Promise<MailServer> {
  const [key, ca] = [path.join(folder, 'mail.key'), path.join(folder, 'mail.pem')];
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2'];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  execFileSync('openssl', ['req', '-x509', ...curve, ...subject, '-keyout', key, '-out', ca], {
    stdio: 'pipe',
  });
  const mails: MailServer['mails'][number][] = [];
  const server = new SMTPServer({
    secure: !options.startTls,
    key: readFileSync(key),
    cert: readFileSync(ca),
    onAuth: ({ username, password }, _session, done) => {
      const known = username === mailUser.user && password === mailUser.pass;
      if (known) done(null, { user: username });
      else done(new Error('no such user'));
    },
    onData: (stream, session, done) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const to = session.envelope.rcptTo.map(({ address }) => address);
        mails.push({ to, raw: Buffer.concat(chunks).toString('utf8'), secure: session.secure });
        done();
      });
    },
  });
  // What a client does that goes away is no fault of this server.
  server.on('error', () => {});
  server.listen(0, '127.0.0.1');
  await until('the mail server listens', () => server.server.listening);
  const address = server.server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    ca,
    mails,
    [Symbol.asyncDispose]: () => new Promise<void>(resolve => server.close(() => resolve())),
  };
}

/** The text of a mail whose only part is text, and its subject. */
export function textOf(raw: string): { subject: string; text: string } {
  const [head = '', ...rest] = raw.split('\r\n\r\n');
  const body = rest.join('\r\n\r\n');
  const text = /content-transfer-encoding: base64/i.test(head)
    ? Buffer.from(body, 'base64').toString('utf8')
    : Buffer.from(
        body
          .replaceAll('=\r\n', '')
          .replaceAll(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
        'latin1',
      ).toString('utf8');
  const encoded = /^subject: (.*(?:\r\n[ \t].*)*)/im.exec(head)?.[1] ?? '';
  const words = [...encoded.matchAll(/=\?utf-8\?([bq])\?(.*?)\?=/gi)];
  const subject = words.map(([, how = '', word = '']) =>
    how.toLowerCase() === 'b'
      ? Buffer.from(word, 'base64')
      : Buffer.from(
          word
            .replaceAll('_', ' ')
            .replaceAll(/=([0-9A-F]{2})/gi, (_, hex: string) =>
              String.fromCharCode(Number.parseInt(hex, 16)),
            ),
          'latin1',
        ),
  );
  return {
    subject: words.length === 0 ? encoded : Buffer.concat(subject).toString('utf8'),
    text: text.replaceAll('\r\n', '\n'),
  };
}
