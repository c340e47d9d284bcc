/*
 * Shared bans in Redis: a hash of the entries as JSON, a sorted set of their ends, and a hash with the epoch (which data this
 * is; Redis that lost its data gets a new one) and the version, which counts the changes. Each change is published with its
 * version, so that who missed one notices. All three keys go when no machine has looked after them for ARGV[1] milliseconds.
 */
const banSource = `
local call = redis.call
local entries, ends, meta, channel = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
call('HSETNX', meta, 'epoch', ARGV[2])
local epoch = call('HGET', meta, 'epoch')

local function publish(key, entry)
  local version = call('HINCRBY', meta, 'version', '1')
  call('PUBLISH', channel, epoch .. '\\n' .. string.format('%.0f', version) .. '\\n' .. key .. '\\n' .. entry)
end

local function keep()
  for i = 1, 3 do call('PEXPIRE', KEYS[i], ARGV[1]) end
end
`;

/** ARGV[3]: key, [4]: entry or `''` to delete, [5]: its end, [6]: most entries. Reply: whether there was one. */
export const changeBanSource: string = `${banSource}
local key, entry, most = ARGV[3], ARGV[4], tonumber(ARGV[6])
local time = call('TIME')
for _, over in ipairs(call('ZRANGEBYSCORE', ends, '-inf', time[1] .. '000', 'LIMIT', '0', '100')) do
  call('HDEL', entries, over)
  call('ZREM', ends, over)
end
local existed
if entry == '' then
  existed = call('HDEL', entries, key)
  call('ZREM', ends, key)
  publish(key, '')
else
  existed = 1 - call('HSET', entries, key, entry)
  call('ZADD', ends, ARGV[5], key)
  publish(key, entry)
  while call('ZCARD', ends) > most do
    local soonest = call('ZPOPMIN', ends)[1]
    call('HDEL', entries, soonest)
    publish(soonest, '')
  end
end
keep()
return existed
`;

/** ARGV[3]: the cursor of HSCAN. Reply: epoch, version, next cursor, and a list of keys and entries. */
export const readBansSource: string = `${banSource}
keep()
local page = call('HSCAN', entries, ARGV[3], 'COUNT', '500')
return { epoch, call('HGET', meta, 'version') or '0', page[1], page[2] }
`;

/** Reply: epoch and version. */
export const banVersionSource: string = `${banSource}
keep()
return { epoch, call('HGET', meta, 'version') or '0' }
`;
