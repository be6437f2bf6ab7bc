import type { Span, Tracer } from '../../core/tracing.ts';
import type { SendResult } from './exchange.ts';

/** Begins the span of one POST. Of the address it tells the host alone: paths and queries often carry a token. */
export function startPost(tracer: Tracer, url: string): Span {
  const parent = tracer.current();
  const target = URL.canParse(url) ? new URL(url) : undefined;
  return tracer.start('POST', {
    kind: 'client',
    parents: parent === undefined ? [] : [parent],
    attributes: {
      'http.request.method': 'POST',
      ...(target === undefined
        ? {}
        : {
            'url.scheme': target.protocol.slice(0, -1),
            'server.address': target.hostname,
            'server.port': Number(target.port) || (target.protocol === 'https:' ? 443 : 80),
          }),
    },
  });
}

/** Ends it with what the target answered, or why it did not. */
export function endPost(span: Span, { statusCode, errorCode, verdict }: SendResult): void {
  if (statusCode !== null) span.set({ 'http.response.status_code': statusCode });
  if (verdict !== 'accepted') span.fail(errorCode ?? verdict);
  span.end();
}
