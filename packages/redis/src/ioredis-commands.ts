import type { ListenerEvents, RedisArgument, RedisCommands, RedisListener } from './redis-commands.ts';

/** A `Redis` of ioredis or iovalkey (standalone or by Sentinel), as far as it is used. */
export interface IoredisClient {
  readonly status: string;
  callBuffer(command: string, ...args: RedisArgument[]): Promise<unknown>;
  duplicate(override?: {
    lazyConnect?: boolean;
    enableOfflineQueue?: boolean;
    autoResubscribe?: boolean;
  }): IoredisClient;
  subscribe(...channels: string[]): Promise<unknown>;
  unsubscribe(...channels: string[]): Promise<unknown>;
  disconnect(): void;
  on(event: 'messageBuffer', listener: (channel: Buffer, payload: Buffer) => void): unknown;
  on(event: 'ready' | 'close' | 'error', listener: () => void): unknown;
}

/** A `Cluster` of ioredis or iovalkey, as far as it is used. */
export interface IoredisCluster {
  readonly isCluster: boolean;
  callBuffer(command: string, ...args: RedisArgument[]): Promise<unknown>;
  subscribe(...channels: string[]): Promise<unknown>;
  unsubscribe(...channels: string[]): Promise<unknown>;
  on(event: 'messageBuffer', listener: (channel: Buffer, payload: Buffer) => void): unknown;
  on(event: 'ready' | 'close', listener: () => void): unknown;
  off(event: 'messageBuffer', listener: (channel: Buffer, payload: Buffer) => void): unknown;
  off(event: 'ready' | 'close', listener: () => void): unknown;
}

function sender(client: IoredisClient | IoredisCluster): RedisCommands['send'] {
  return (_key, [command = '', ...args]) => client.callBuffer(String(command), ...args);
}

/** Messages need a connection of their own: one that has subscribed takes no other commands. */
export function ioredisCommands(client: IoredisClient): RedisCommands {
  return {
    send: sender(client),
    listen(events) {
      const connection = client.duplicate({ lazyConnect: false, enableOfflineQueue: true, autoResubscribe: true });
      connection.on('messageBuffer', (channel, payload) => events.message(channel.toString(), payload));
      // ioredis emits `ready` before it has taken up its channels again, and sends both on one connection: whoever asks
      // for a snapshot then may get it first. So it is told once a subscription has been confirmed.
      const channels = new Set<string>();
      connection.on('ready', () => {
        if (channels.size === 0) return;
        connection.subscribe(...channels).then(events.ready, events.gone);
      });
      connection.on('close', events.gone);
      // The error is that of the client itself, whose listeners tell it.
      connection.on('error', () => {});
      return {
        subscribe(channel) {
          channels.add(channel);
          return connection.subscribe(channel);
        },
        unsubscribe(channel) {
          channels.delete(channel);
          return connection.unsubscribe(channel);
        },
        close: () => connection.disconnect(),
      };
    },
  };
}

/** A cluster has a connection for messages beside those for commands, which it moves to another node by itself. */
export function ioredisClusterCommands(cluster: IoredisCluster): RedisCommands {
  return { send: sender(cluster), listen: (events) => clusterListener(cluster, events) };
}

/** How many listeners of one cluster listen to each channel: it has one connection for all of them. */
const clusterChannels = new WeakMap<IoredisCluster, Map<string, number>>();

function clusterListener(cluster: IoredisCluster, events: ListenerEvents): RedisListener {
  const counts = clusterChannels.get(cluster) ?? new Map<string, number>();
  clusterChannels.set(cluster, counts);
  const channels = new Set<string>();
  const onMessage = (channel: Buffer, payload: Buffer): void => {
    const name = channel.toString();
    if (channels.has(name)) events.message(name, payload);
  };
  const leave = async (channel: string): Promise<unknown> => {
    if (!channels.delete(channel)) return;
    const left = (counts.get(channel) ?? 1) - 1;
    if (left > 0) return counts.set(channel, left);
    counts.delete(channel);
    return await cluster.unsubscribe(channel);
  };
  cluster.on('messageBuffer', onMessage);
  cluster.on('ready', events.ready);
  cluster.on('close', events.gone);
  return {
    subscribe(channel) {
      if (!channels.has(channel)) counts.set(channel, (counts.get(channel) ?? 0) + 1);
      channels.add(channel);
      return cluster.subscribe(channel);
    },
    unsubscribe: leave,
    close() {
      cluster.off('messageBuffer', onMessage);
      cluster.off('ready', events.ready);
      cluster.off('close', events.gone);
      for (const channel of [...channels]) leave(channel).catch(() => {});
    },
  };
}
