import { clockSource } from './script-clock.ts';

/*
 * The leases of a key stand in a sorted set, by when they run out. A lease that holds a key twice is two members: its id
 * and a number. Each script first takes out what ran out, so that only live leases count.
 */

/** ARGV: the clock's two, leaseMs, id, and a limit for each key. Reply: 0 and 0, or the first full key's index and what is held. */
export const acquireSource: string = `${clockSource}
local leaseMs, id = tonumber(ARGV[3]), ARGV[4]
local members, taken = {}, {}
for i, key in ipairs(KEYS) do
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
  taken[key] = (taken[key] or 0) + 1
  local held = redis.call('ZCARD', key) + taken[key] - 1
  if held >= tonumber(ARGV[4 + i]) then return { i, held } end
  members[i] = id .. ':' .. taken[key]
end
for i, key in ipairs(KEYS) do
  redis.call('ZADD', key, now + leaseMs, members[i])
  if redis.call('PTTL', key) < leaseMs + grace then redis.call('PEXPIRE', key, math.ceil(leaseMs + grace)) end
end
return { 0, 0 }
`;

/**
 * ARGV: the clock's two, leaseMs, id, and '1' when the holder knows that the lease has not run out: what Redis does not know
 * of it (any more) is then taken again. Reply: 1, or 0 for a lease that ran out.
 */
export const renewSource: string = `${clockSource}
local leaseMs, id, known = tonumber(ARGV[3]), ARGV[4], ARGV[5] == '1'
local members, seen = {}, {}
for i, key in ipairs(KEYS) do
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
  seen[key] = (seen[key] or 0) + 1
  members[i] = id .. ':' .. seen[key]
  if not known and not redis.call('ZSCORE', key, members[i]) then return 0 end
end
for i, key in ipairs(KEYS) do
  redis.call('ZADD', key, now + leaseMs, members[i])
  if redis.call('PTTL', key) < leaseMs + grace then redis.call('PEXPIRE', key, math.ceil(leaseMs + grace)) end
end
return 1
`;

/** ARGV: id, and what is published on the last key unless it is empty. */
export const releaseSource: string = `
local seen = {}
for i = 1, #KEYS - 1 do
  local key = KEYS[i]
  seen[key] = (seen[key] or 0) + 1
  redis.call('ZREM', key, ARGV[1] .. ':' .. seen[key])
end
if ARGV[2] ~= '' then redis.call('PUBLISH', KEYS[#KEYS], ARGV[2]) end
return 1
`;
