import { CloseCode, type WebSocket as GraphqlSocket, type Server } from 'graphql-ws';
import { WebSocket } from 'ws';
import { messageOf } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import type { Logger } from '../../core/logger.ts';
import type { OperationContext } from '../../resolvers/context.ts';
import { ReusedIds } from './reused-ids.ts';
import { closings, type SocketClosing } from './socket-closings.ts';

const sweepsPerPing = limits.socketPingMs / limits.socketSweepMs;
const sweepsOfStall = limits.socketStallMs / limits.socketSweepMs;
const sweepsOfClose = limits.socketCloseMs / limits.socketSweepMs;

/** Keeps a place for a connection whose key is good; the answer to a wrong one waits. @returns false: close it at once */
export type SocketLook = (who: Pick<OperationContext, 'caller' | 'keyGiven'>) => Promise<boolean>;

/** Holds what a peer needs of whoever keeps it. */
export interface PeerOptions {
  readonly log: Logger;
  /** Takes the work that a message or the end of the socket started, which a stop waits for. It never rejects. */
  readonly track: (work: Promise<void>) => void;
  readonly look: SocketLook;
}

/**
 * One open socket, as graphql-ws sees it. It bounds what waits for the client, finds out when nobody is there, and
 * ends the operations as soon as the hub closes, whether or not the client answers that.
 *
 * Time is counted in sweeps, not read: after the process itself hung, the answers of the peers are still in the
 * kernel, and nobody must be taken for dead because of it.
 */
export class SocketPeer implements GraphqlSocket {
  readonly protocol: string;
  /** The message that graphql-ws is reading at the moment, as it came; what it says may be lost by parsing it. */
  messageText = '';
  /** Operations under way. */
  operations = 0;
  /** Holds what the client gave as its `Authorization`, once that was good. */
  authorization: string | undefined;
  /** The key's id, once it was good. */
  keyId: string | undefined;
  readonly #socket: WebSocket;
  readonly #options: PeerOptions;
  readonly #ids = new ReusedIds();
  /** The id of the operation that the message being read begins. */
  #begun: string | undefined;
  /** Undefined while graphql-ws opens. */
  #ended: ((code: number, reason: string) => Promise<void>) | undefined;
  #hasLeft = false;
  #heard = true;
  #waiting = 0;
  #sweepsToPing = sweepsPerPing;
  #sweepsStalled = 0;
  #sweepsClosing = 0;

  constructor(socket: WebSocket, server: Server<SocketPeer>, options: PeerOptions) {
    this.#socket = socket;
    this.#options = options;
    this.protocol = socket.protocol;
    const hear = () => void (this.#heard = true);
    socket.on('message', hear).on('ping', hear).on('pong', hear);
    socket.on('error', error =>
      options.log.info({ key_id: this.keyId, error: error.message }, 'socket closed for a bad frame'),
    );
    socket.once('close', (code, reason) => this.#leave(code, String(reason)));
    this.#ended = server.opened(this, this);
  }

  /** Resolves when it is out, or the client does not read any more: graphql-ws sends an operation's next one after it. */
  send(data: string): Promise<void> {
    if (this.#socket.readyState !== WebSocket.OPEN) return Promise.resolve();
    if (this.#isFull(data)) {
      this.drop(closings.slowReader);
      return Promise.resolve();
    }
    this.#waiting += 1;
    return new Promise(resolve => {
      this.#socket.send(data, () => {
        this.#waiting -= 1;
        this.#sweepsStalled = 0;
        // Its error is the socket's end, which has an event of its own.
        resolve();
      });
    });
  }

  onMessage(handle: (data: string) => Promise<void>): void {
    this.#socket.on('message', data => {
      // The hub has closed already; the client may not know that yet.
      if (this.#socket.readyState !== WebSocket.OPEN) return;
      const text = Buffer.isBuffer(data) ? data.toString() : '';
      const verdict = this.#ids.look(text);
      if (verdict === 'pass') this.#read(text, handle);
      else if (verdict === 'duplicate')
        this.close(CloseCode.SubscriberAlreadyExists, 'Subscriber already exists');
    });
  }

  /** Notes which operation the message begins; graphql-ws tells of it before it waits for anything. */
  began(id: string): void {
    this.#begun = id;
    this.#ids.began(id);
  }

  #read(text: string, handle: (data: string) => Promise<void>): void {
    this.messageText = text;
    const work = handle(text).catch(error => this.#fail(error));
    this.messageText = '';
    const id = this.#begun;
    this.#begun = undefined;
    this.#options.track(id === undefined ? work : work.then(() => this.#readNext(id, handle)));
  }

  #readNext(id: string, handle: (data: string) => Promise<void>): void {
    const next = this.#ids.ended(id);
    if (next !== undefined && this.#socket.readyState === WebSocket.OPEN) this.#read(next, handle);
  }

  /** For graphql-ws: what it closes for is the client's doing. The hub's own closings go by `drop`. */
  close(code: number = CloseCode.InternalServerError, reason = ''): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    // One of its reasons holds an id of any length; 40 UTF-16 units are 120 bytes at most.
    const told = Buffer.byteLength(reason) > 123 ? reason.slice(0, 40) : reason;
    this.#options.log.debug({ key_id: this.keyId, code, reason: told }, 'socket closed');
    this.#socket.close(code, told);
    this.#leave(code, told);
  }

  /** Closes for a reason of the hub's. */
  drop(closing: SocketClosing): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    const line = { key_id: this.keyId, ...closing, buffered: this.#socket.bufferedAmount };
    this.#options.log.info(line, 'socket closed by the hub');
    this.#socket.close(closing.code, closing.reason);
    this.#leave(closing.code, closing.reason);
  }

  /** To be told who was found behind the key that the client gave. */
  async look(who: Parameters<SocketLook>[0]): Promise<void> {
    if (!(await this.#options.look(who))) this.terminate();
  }

  /** Cuts the connection. */
  terminate(): void {
    this.#socket.terminate();
  }

  /** Resolves when the connection is gone. */
  async gone(): Promise<void> {
    if (this.#socket.readyState === WebSocket.CLOSED) return;
    await new Promise<void>(resolve => void this.#socket.once('close', () => resolve()));
  }

  /** To be called every `limits.socketSweepMs`. */
  sweep(): void {
    if (this.#socket.readyState === WebSocket.OPEN) {
      this.#watchReader();
      this.#watchPeer();
    } else if (++this.#sweepsClosing >= sweepsOfClose) this.terminate();
  }

  /**
   * Tells whether a message would wait behind too much. One alone may be of any size: an answer of ten megabytes is not the
   * client's fault, and is bounded like one over HTTP.
   */
  #isFull(data: string): boolean {
    const buffered = this.#socket.bufferedAmount;
    if (buffered === 0) return false;
    return (
      this.#waiting >= limits.socketBufferedMessages ||
      buffered + Buffer.byteLength(data) > limits.socketBufferedBytes
    );
  }

  /** A client that answers pings and reads nothing would keep what waits for it for ever. */
  #watchReader(): void {
    if (this.#socket.bufferedAmount === 0) this.#sweepsStalled = 0;
    else if (++this.#sweepsStalled >= sweepsOfStall) this.drop(closings.stalledReader);
  }

  #watchPeer(): void {
    if (--this.#sweepsToPing > 0) return;
    this.#sweepsToPing = sweepsPerPing;
    if (!this.#heard) {
      this.#options.log.info({ key_id: this.keyId }, 'socket cut: its ping was not answered');
      this.terminate();
      return;
    }
    this.#heard = false;
    this.#socket.ping();
  }

  /** Ends the operations, once. */
  #leave(code: number, reason: string): void {
    // graphql-ws may close while it opens: there are no operations then, and the event `close` comes by here again.
    if (this.#hasLeft || this.#ended === undefined) return;
    this.#hasLeft = true;
    const ended = this.#ended(code, reason).catch(error =>
      this.#options.log.error({ key_id: this.keyId, err: error }, 'fault at the end of a socket'),
    );
    this.#options.track(ended);
  }

  #fail(error: unknown): void {
    const message = messageOf(error);
    // A message that only servers send: graphql-ws throws that, and its protocol wants 4400.
    if (message.startsWith('Unexpected message of type')) return this.close(CloseCode.BadRequest, message);
    this.#options.log.error({ key_id: this.keyId, err: error }, 'fault on a socket');
    this.drop(closings.fault);
  }
}
