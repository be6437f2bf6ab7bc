// First of all: Monaco asks for its workers as soon as it loads, and these are the bundled ones.
import 'graphiql/setup-workers/vite';
import 'graphiql/style.css';
import { createGraphiQLFetcher, type Fetcher } from '@graphiql/toolkit';
import { GraphiQL } from 'graphiql';
import { type DocumentNode, GraphQLError, parse } from 'graphql';
import { type FormEvent, type ReactNode, StrictMode, useMemo, useState } from 'react';
import { createRoot } from 'react-dom/client';

const keyName = 'voucher-hub:api-key';
const endpoint = '/graphql';
const defaultQuery = `# Ctrl-Enter runs the operation; Ctrl-Space completes.
{
  vouchers(first: 5) {
    edges {
      node {
        voucherNo
        amount
        currency
      }
    }
  }
}
`;

/** What fires now: alert messages lead here (`/graphiql?show=alerts`). It runs only when a person runs it. */
const alertsQuery = `{
  alerts(state: FIRING, first: 20) {
    id
    message
    cause
    firedAt
    subscription { id name targetSystem state }
  }
}
`;

const wantsAlerts = new URLSearchParams(window.location.search).get('show') === 'alerts';

/** Answers without a request: one that is certain to be refused would only fill the hub's log and the console. */
const askForKey: Fetcher = () => ({
  errors: [new GraphQLError('Enter an API key at the top of the page first.')],
});

/** The operation's syntax tree; none while it has errors, which the hub explains better. */
function tryParse(query: string): DocumentNode | undefined {
  try {
    return parse(query);
  } catch {
    return undefined;
  }
}

/**
 * Hands on a fresh syntax tree. GraphiQL's own lags a tenth of a second behind the editor, so that a subscription
 * which is pasted and run at once would go by HTTP.
 */
function withFreshTree(fetcher: Fetcher): Fetcher {
  return (params, options) => fetcher(params, { ...options, documentAST: tryParse(params.query) });
}

function fetcherFor(key: string): Fetcher {
  if (key === '') return askForKey;
  const authorization = `Bearer ${key}`;
  const socket = new URL(endpoint, window.location.href);
  socket.protocol = socket.protocol === 'https:' ? 'wss:' : 'ws:';
  const fetcher = createGraphiQLFetcher({
    url: endpoint,
    headers: { authorization },
    // A URL, not a client: so graphql-ws is loaded and the socket opened only when a subscription is run.
    subscriptionUrl: socket.href,
    wsConnectionParams: { authorization },
    // The hub has neither @defer nor @stream.
    enableIncrementalDelivery: false,
  });
  return withFreshTree(fetcher);
}

/** The key as it was typed, or as it was copied together with its scheme out of a header. */
function cleanKey(typed: string): string {
  return typed.trim().replace(/^bearer\s+/i, '');
}

/** The API key, kept in sessionStorage: it ends with the tab and no other tab sees it. */
function useApiKey(): [key: string, setKey: (key: string) => void] {
  const [key, setKey] = useState(() => sessionStorage.getItem(keyName) ?? '');
  const keep = (next: string) => {
    if (next === '') sessionStorage.removeItem(keyName);
    else sessionStorage.setItem(keyName, next);
    setKey(next);
  };
  return [key, keep];
}

function KeyBar(props: { apiKey: string; onKey: (key: string) => void }): ReactNode {
  const [typed, setTyped] = useState(props.apiKey);
  const take = (next: string) => {
    setTyped(next);
    props.onKey(next);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    take(cleanKey(typed));
  };
  return (
    <form className="key-bar" onSubmit={submit}>
      <label>
        API key
        <input
          type="password"
          autoComplete="off"
          spellCheck={false}
          placeholder="Paste a key and press Enter"
          value={typed}
          onChange={event => setTyped(event.target.value)}
        />
      </label>
      <button type="submit">Use key</button>
      {props.apiKey !== '' && (
        <button type="button" onClick={() => take('')}>
          Forget
        </button>
      )}
      <span role="status">{props.apiKey === '' ? 'No key yet.' : 'Key in use, in this tab only.'}</span>
    </form>
  );
}

function Page(): ReactNode {
  const [key, setKey] = useApiKey();
  // GraphiQL reads the schema anew whenever it is handed another fetcher, that is: once a key is given.
  const fetcher = useMemo(() => fetcherFor(key), [key]);
  return (
    <>
      <KeyBar apiKey={key} onKey={setKey} />
      <main className="graphiql">
        {/* No headers editor: GraphiQL's history writes what is in it to localStorage, where a key must not be. */}
        <GraphiQL
          fetcher={fetcher}
          // null: do not ask for the schema, as without a key there is no answer; undefined: ask.
          schema={key === '' ? null : undefined}
          defaultQuery={defaultQuery}
          {...(wantsAlerts ? { initialQuery: alertsQuery } : {})}
          forcedTheme="system"
          isHeadersEditorEnabled={false}
          shouldPersistHeaders={false}
          showPersistHeadersSettings={false}
        />
      </main>
    </>
  );
}

const root = document.getElementById('root');
if (root === null) throw new Error('index.html has no #root');
createRoot(root).render(
  <StrictMode>
    <Page />
  </StrictMode>,
);
