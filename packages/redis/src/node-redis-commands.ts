import type { ListenerEvents, RedisArgument, RedisCommands, RedisListener } from './redis-commands.ts';

/** RESP's sign of a bulk string, which is to come as a Buffer. */
const asBuffers: NodeRedisOptions = { typeMapping: { 36: Buffer } };

/** What a command of node-redis takes beside its arguments. */
export interface NodeRedisOptions {
  readonly typeMapping?: { readonly 36?: typeof Buffer };
}

/** In buffer mode both are Buffers; node-redis' types leave that open. */
export type NodeRedisListener = (payload: Buffer | string, channel: Buffer | string) => unknown;

/** How a client of node-redis listens to channels. */
export interface NodeRedisSubscriptions {
  subscribe(channel: string, listener: NodeRedisListener, bufferMode: true): Promise<unknown>;
  unsubscribe(channel: string, listener: NodeRedisListener, bufferMode: true): Promise<unknown>;
}

/** A client of node-redis's `createClient`, as far as it is used. */
export interface NodeRedisClient extends NodeRedisSubscriptions {
  readonly isReady: boolean;
  sendCommand(args: readonly RedisArgument[], options?: NodeRedisOptions): Promise<unknown>;
  duplicate(): NodeRedisClient;
  connect(): Promise<unknown>;
  destroy(): void;
  on(event: 'ready' | 'reconnecting' | 'error', listener: () => void): unknown;
}

/** A cluster of node-redis's `createCluster`, as far as it is used. */
export interface NodeRedisCluster extends NodeRedisSubscriptions {
  readonly masters: readonly unknown[];
  sendCommand(
    firstKey: RedisArgument | undefined,
    isReadonly: boolean | undefined,
    args: readonly RedisArgument[],
    options?: NodeRedisOptions,
  ): Promise<unknown>;
}

/** What node-redis's `createSentinel` gives, as far as it is used. */
export interface NodeRedisSentinel extends NodeRedisSubscriptions {
  getSentinelNode(): unknown;
  sendCommand(
    isReadonly: boolean | undefined,
    args: readonly RedisArgument[],
    options?: NodeRedisOptions,
  ): Promise<unknown>;
}

export function nodeRedisCommands(client: NodeRedisClient): RedisCommands {
  return {
    send: (_key, args) => client.sendCommand(args, asBuffers),
    listen(events) {
      const connection = client.duplicate();
      // It is ready when it has taken up its channels again.
      connection.on('ready', events.ready);
      connection.on('reconnecting', events.gone);
      // The error is that of the client itself, whose listeners tell it.
      connection.on('error', () => {});
      const connected = connection.connect().catch(() => {});
      const listener = subscriptionsOf(connection, events);
      return {
        subscribe: (channel) => connected.then(() => listener.subscribe(channel)),
        unsubscribe: (channel) => connected.then(() => listener.unsubscribe(channel)),
        close() {
          try {
            connection.destroy();
          } catch {
            // node-redis 5: it had given up connecting, there is nothing to end.
          }
        },
      };
    },
  };
}

/** A cluster of node-redis has connections for messages of its own; it does not tell when they were interrupted. */
export function nodeRedisClusterCommands(cluster: NodeRedisCluster): RedisCommands {
  return {
    send: (key, args) => cluster.sendCommand(key, false, args, asBuffers),
    listen: (events) => subscriptionsOf(cluster, events),
  };
}

/** As with a cluster. */
export function nodeRedisSentinelCommands(sentinel: NodeRedisSentinel): RedisCommands {
  return {
    send: (_key, args) => sentinel.sendCommand(false, args, asBuffers),
    listen: (events) => subscriptionsOf(sentinel, events),
  };
}

function subscriptionsOf(client: NodeRedisSubscriptions, events: ListenerEvents): RedisListener {
  const channels = new Set<string>();
  const onMessage: NodeRedisListener = (payload, channel) => events.message(channel.toString(), Buffer.from(payload));
  return {
    subscribe(channel) {
      channels.add(channel);
      return client.subscribe(channel, onMessage, true);
    },
    unsubscribe(channel) {
      channels.delete(channel);
      return client.unsubscribe(channel, onMessage, true);
    },
    close() {
      for (const channel of channels) client.unsubscribe(channel, onMessage, true).catch(() => {});
    },
  };
}
