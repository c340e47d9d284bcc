import { clockSource } from './script-clock.ts';

/**
 * The arithmetic of core's rates (`gcra.ts`, `window.ts`) in Lua, step by step the same: both compute in IEEE 754 doubles,
 * so for whole numbers both give the same answers.
 *
 * A state is kept as six little-endian doubles: at, perMs, spent, spentBefore, when it counts for nothing any more, and
 * until when the key lives. A script reads a key once and writes it once, however often it is charged. A key lives twice as
 * long as its state needs, and at least 5 seconds: so most writes need not move its end, which costs as much again as the write (`SETRANGE` leaves
 * it as it is).
 *
 * A state from the future (a clock went back, or callers' clocks differ) stands still until its time has come; when that is
 * more than `perMs` away, it is taken to be of now. So nothing is paid off by it, and nobody is kept out for longer.
 */
const rateSource = `${clockSource}
local call, pack, unpackDoubles = redis.call, struct.pack, struct.unpack
local ceil, floor, max, min, huge = math.ceil, math.floor, math.max, math.min, math.huge
local keys = KEYS
local At, Per, Spent, Before, Ends, Until, Time, Dirty = {}, {}, {}, {}, {}, {}, {}, {}
local shortest, longest = 5000, 1e12

local function put(k, at, per, spent, before, ends)
  At[k], Per[k], Spent[k], Before[k], Ends[k] = at, per, spent, before, ends
end

local function load(k, algorithm)
  if Until[k] then return end
  local packed = call('GET', keys[k])
  Until[k], Time[k] = 0, now
  put(k, 0, 0, 0, 0, 0)
  if not packed or #packed ~= 48 then return end
  local at, per, spent, before, ends, alive = unpackDoubles('<dddddd', packed)
  Until[k] = alive
  if ends <= now then return end
  if at > now then
    if at - now <= per then
      Time[k] = at
    else
      local moved = algorithm == 0 and now or floor(now / per) * per
      ends = ends - (at - moved)
      at = moved
    end
  end
  put(k, at, per, spent, before, ends)
end

local function save()
  for k in pairs(Dirty) do
    local ends, alive = Ends[k], Until[k]
    if ends <= now then
      if alive > 0 then call('DEL', keys[k]) end
    else
      local life = min(max(2 * (ends - now), shortest), longest)
      if grace == 0 and ends <= alive then
        call('SETRANGE', keys[k], '0', pack('<dddddd', At[k], Per[k], Spent[k], Before[k], ends, alive))
      else
        local packed = pack('<dddddd', At[k], Per[k], Spent[k], Before[k], ends, now + life)
        call('SET', keys[k], packed, 'PX', ceil(life) + 2 + grace)
      end
    end
  end
end

-- GCRA is algorithm 0, a fixed window 1, a sliding one 2.
local function settle(k, algorithm, count, perMs)
  local t = Time[k]
  if algorithm == 0 then
    local debt = Spent[k]
    if debt ~= 0 then
      if Per[k] ~= perMs then debt = debt / Per[k] * perMs end
      Spent[k] = max(0, debt - (t - At[k]) * count)
    end
    At[k] = t
  else
    local start = floor(t / perMs) * perMs
    if Per[k] ~= perMs or At[k] ~= start then
      local isNext = Per[k] == perMs and At[k] == floor((start - perMs / 2) / perMs) * perMs
      Before[k] = algorithm == 2 and isNext and Spent[k] or 0
      Spent[k] = 0
      At[k] = start
    end
  end
  Per[k] = perMs
end

local function weight(k, algorithm, perMs)
  if algorithm == 0 then return Spent[k] end
  if algorithm == 1 then return Spent[k] * perMs end
  return Before[k] * (At[k] + perMs - Time[k]) + Spent[k] * perMs
end

local function waitFor(k, algorithm, cost, count, perMs, capacity)
  if cost > capacity then return huge end
  if cost == 0 or weight(k, algorithm, perMs) + cost * perMs <= capacity * perMs then return 0 end
  local left = At[k] + perMs - now
  local room = count - cost - Spent[k]
  local wait
  if algorithm == 0 then wait = (Spent[k] + cost * perMs - capacity * perMs) / count + At[k] - now
  elseif algorithm == 1 then wait = left
  elseif room >= 0 then wait = left - room * perMs / Before[k]
  else wait = left + perMs - (count - cost) * perMs / Spent[k] end
  return max(1, ceil(wait))
end

local function stamp(k, algorithm, count, perMs)
  local ends = At[k]
  if algorithm == 0 then ends = ends + Spent[k] / count
  elseif algorithm == 1 then if Spent[k] > 0 then ends = ends + perMs end
  elseif Spent[k] > 0 then ends = ends + 2 * perMs
  elseif Before[k] > 0 then ends = ends + perMs end
  Ends[k] = ends
end

local function spend(k, algorithm, cost, count, perMs)
  Spent[k] = Spent[k] + (algorithm == 0 and cost * perMs or cost)
  stamp(k, algorithm, count, perMs)
end

local function giveBack(k, algorithm, cost, count, perMs)
  settle(k, algorithm, count, perMs)
  local fromThis = algorithm == 0 and cost * perMs or cost
  local rest = max(0, fromThis - Spent[k])
  Spent[k] = max(0, Spent[k] - fromThis)
  if algorithm == 2 then Before[k] = max(0, Before[k] - rest) end
  stamp(k, algorithm, count, perMs)
end
`;

/**
 * Many decisions after each other. ARGV[3]: for each the number of its charges, and for each charge the index of its key,
 * the algorithm, cost, count, perMs and burst (of windows the count again), all as doubles. The reply has for each decision
 * whether it is allowed, and for each charge what remains and how long to wait, likewise.
 */
export const chargeSource: string = `${rateSource}
local input, length, pos = ARGV[3], #ARGV[3], 1
local replies, out, filled = {}, {}, 0
local K, A, N, P, B = {}, {}, {}, {}, {}
local at0, per0, spent0, before0, ends0 = {}, {}, {}, {}, {}
while pos <= length do
  local charges
  charges, pos = unpackDoubles('<d', input, pos)
  local allowed = true
  for i = 1, charges do
    local k, algorithm, cost, count, perMs, capacity
    k, algorithm, cost, count, perMs, capacity, pos = unpackDoubles('<dddddd', input, pos)
    K[i], A[i], N[i], P[i], B[i] = k, algorithm, count, perMs, capacity
    load(k, algorithm)
    at0[i], per0[i], spent0[i], before0[i], ends0[i] = At[k], Per[k], Spent[k], Before[k], Ends[k]
    settle(k, algorithm, count, perMs)
    local wait = waitFor(k, algorithm, cost, count, perMs, capacity)
    if wait ~= 0 then allowed = false elseif allowed then spend(k, algorithm, cost, count, perMs) end
    out[filled + 2 * i + 1] = wait
  end
  if not allowed then
    for i = charges, 1, -1 do put(K[i], at0[i], per0[i], spent0[i], before0[i], ends0[i]) end
  end
  out[filled + 1] = allowed and 1 or 0
  for i = 1, charges do
    local k, algorithm, perMs = K[i], A[i], P[i]
    if not allowed then settle(k, algorithm, N[i], perMs) end
    out[filled + 2 * i] = max(0, (B[i] * perMs - weight(k, algorithm, perMs)) / perMs)
    if allowed then Dirty[k] = true end
  end
  if not allowed then
    for i = charges, 1, -1 do put(K[i], at0[i], per0[i], spent0[i], before0[i], ends0[i]) end
  end
  filled = filled + 2 * charges + 1
end
for from = 1, filled, 100 do
  local to = min(from + 99, filled)
  replies[#replies + 1] = pack('<' .. string.rep('d', to - from + 1), unpack(out, from, to))
end
save()
return table.concat(replies)
`;

/** ARGV[3] as in `chargeSource`, one list of charges; ARGV[4] is published on the last key. */
export const refundSource: string = `${rateSource}
local input, length, pos = ARGV[3], #ARGV[3], 9
while pos <= length do
  local k, algorithm, cost, count, perMs, _
  k, algorithm, cost, count, perMs, _, pos = unpackDoubles('<dddddd', input, pos)
  load(k, algorithm)
  giveBack(k, algorithm, cost, count, perMs)
  Dirty[k] = true
end
save()
call('PUBLISH', keys[#keys], ARGV[4])
return 1
`;

/** Deletes all keys but the last, on which ARGV[1] is published. */
export const resetSource: string = `
for i = 1, #KEYS - 1 do redis.call('DEL', KEYS[i]) end
redis.call('PUBLISH', KEYS[#KEYS], ARGV[1])
return 1
`;
