import { Command, InvalidArgumentError } from 'commander';
import { processEnvironment } from '../config/config.ts';
import { limits } from '../core/limits.ts';
import { withClientOptions } from './client.ts';
import { readId } from './id-argument.ts';
import type { ListenOptions } from './listen/options.ts';

/** `hub listen`: attaches as a consumer, prints or forwards each event, and acknowledges it. */
export function listenCommand(): Command {
  const command = new Command('listen')
    .description('attach as a consumer: print each event, or forward it to a local URL, and acknowledge it')
    .requiredOption('--subscription <id>', 'as `subscriptions list` shows it', readId)
    .option('--forward <url>', 'post each event there, as the webhook would; a 2xx acknowledges it')
    .option(
      '--secret <secret>',
      'what signs the forwarded events, 16 characters or more (HUB_WEBHOOK_SECRET; left out: made anew)',
    )
    .option('--prefetch <count>', `events at once, 1 to ${limits.prefetch}`, readPrefetch, 10)
    .option('--json', 'print one JSON line an event, with the body that the webhook has')
    .addHelpText('after', help);
  return withClientOptions(command).action(async (options: ListenOptions) => {
    const secret = options.secret ?? (processEnvironment().HUB_WEBHOOK_SECRET?.trim() || undefined);
    // Imported here, so that the other commands stay quick.
    const { listen } = await import('./listen/run.ts');
    await listen({ ...options, secret: options.forward === undefined ? options.secret : secret });
  });
}

const help = `
Without --forward an event is acknowledged once it is printed. With it, body, headers and signatures are those of the
webhook; 400, 413, 415 and 422 reject the event for good, everything else that is no 2xx so that it comes again by the
subscription's retry policy, with FORWARD_ before their code in the log. While nothing listens there it attaches to
nothing and waits: the events stay with the hub and use up no retry (one that has a webhook posts them there). An answer is waited for as long as the subscription's timeoutMs and ackTimeoutMs allow.

While it listens, the subscription's events come here and not to its webhook. It comes back by itself when the hub
restarts. Ctrl-C lets what is under way finish; what was not acknowledged goes back to the hub at once.

  hub listen --subscription 1
  hub listen --subscription 1 --forward http://localhost:5000/hook --secret whsec_…
  hub listen --subscription 1 --json | jq .body.voucher.amount`;

function readPrefetch(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > limits.prefetch)
    throw new InvalidArgumentError(`1 to ${limits.prefetch} is expected.`);
  return count;
}
