import { clockSource } from './script-clock.ts';

/**
 * The arithmetic of core's rates (`gcra.ts`, `window.ts`) in Lua, step by step the same: both compute in IEEE 754 doubles,
 * so for whole numbers both give the same answers.
 *
 * A state is kept as little-endian doubles: at, perMs, spent, until when the key lives, and for windows what the window
 * before had. A script reads all its keys at once, and writes each once, however often it is charged. A key lives twice as
 * long as its state needs, and at least 5 seconds: so most writes need not move its end, which costs four times as much as
 * the write (`SETRANGE` leaves the end as it is).
 *
 * A state from the future (a clock went back, or callers' clocks differ) stands still until its time has come; when that is
 * more than `perMs` away, it is taken to be of now. So nothing is paid off by it, and nobody is kept out for longer.
 *
 * KEYS: the rates', as many as the local `rates` says, which each script sets first. ARGV: the clock's two; the limits, each
 * as algorithm (0: GCRA, 1: fixed window, 2: sliding window), cost, count, perMs and burst (of windows the count again), as
 * doubles; the decisions, as 16-bit numbers: the number of charges, and for each charge the indexes of its key and of its
 * limit.
 */
const limitSource = `${clockSource}
local call, pack, unpackBytes = redis.call, struct.pack, struct.unpack
local ceil, floor, max, min, huge = math.ceil, math.floor, math.max, math.min, math.huge
local shortest, longest = 5000, 1e12
local keys = KEYS

-- Of each limit. Cost is what must fit into Most; a cost above the capacity never does, none always does.
local Algorithm, Spend, Count, Per, Capacity, Cost, Most = {}, {}, {}, {}, {}, {}, {}
for l = 1, #ARGV[3] / 40 do
  local algorithm, cost, count, perMs, capacity = unpackBytes('<ddddd', ARGV[3], 40 * l - 39)
  Algorithm[l], Count[l], Per[l], Capacity[l], Most[l] = algorithm, count, perMs, capacity, capacity * perMs
  Spend[l] = algorithm == 0 and cost * perMs or cost
  Cost[l] = cost > capacity and huge or cost == 0 and -huge or cost * perMs
end
`;

/** States of every kind. */
const rateSource = `${limitSource}
-- Of each key. Ends is set when it has to be written: when its state counts for nothing any more.
local At, Unit, Spent, Before, Until, Ends = {}, {}, {}, {}, {}, {}
local found = call('MGET', unpack(keys, 1, rates))
for k = 1, rates do
  local packed = found[k]
  local at, unit, spent, alive, before = 0, 0, 0, 0, nil
  if packed then
    if #packed == 32 then at, unit, spent, alive = unpackBytes('<dddd', packed)
    elseif #packed == 40 then at, unit, spent, alive, before = unpackBytes('<ddddd', packed) end
    if at - now > unit then at = before and floor(now / unit) * unit or now end
  end
  At[k], Unit[k], Spent[k], Before[k], Until[k] = at, unit, spent, before, alive
end

local function save()
  for k = 1, rates do
    local ends, alive = Ends[k], Until[k]
    if not ends then
    elseif ends <= now then
      if alive > 0 then call('DEL', keys[k]) end
    else
      local stays = ends <= alive and grace == 0
      local life = min(max(2 * (ends - now), shortest), longest)
      if not stays then alive = now + life end
      local packed
      if Before[k] then packed = pack('<ddddd', At[k], Unit[k], Spent[k], alive, Before[k])
      else packed = pack('<dddd', At[k], Unit[k], Spent[k], alive) end
      if stays then call('SETRANGE', keys[k], '0', packed)
      else call('SET', keys[k], packed, 'PX', ceil(life) + 2 + grace) end
    end
  end
end

-- Brings a state to this moment and to the limit.
local function settle(k, l)
  local perMs, t = Per[l], max(At[k], now)
  if Algorithm[l] == 0 then
    local debt = Spent[k]
    if debt ~= 0 then
      if Unit[k] ~= perMs then debt = debt / Unit[k] * perMs end
      Spent[k] = max(0, debt - (t - At[k]) * Count[l])
    end
    At[k] = t
  else
    local start = floor(t / perMs) * perMs
    if Unit[k] ~= perMs or At[k] ~= start then
      local isNext = Unit[k] == perMs and At[k] == floor((start - perMs / 2) / perMs) * perMs
      Before[k] = Algorithm[l] == 2 and isNext and Spent[k] or 0
      Spent[k] = 0
      At[k] = start
    end
  end
  Unit[k] = perMs
end

local function weight(k, l)
  local perMs = Per[l]
  if Algorithm[l] == 0 then return Spent[k] end
  if Algorithm[l] == 1 then return Spent[k] * perMs end
  return Before[k] * (At[k] + perMs - max(At[k], now)) + Spent[k] * perMs
end

local function waitFor(k, l)
  local perMs = Per[l]
  if weight(k, l) + Cost[l] <= Most[l] then return 0 end
  if Cost[l] == huge then return huge end
  local left = At[k] + perMs - now
  local room = Capacity[l] - Spend[l] - Spent[k]
  local wait
  if Algorithm[l] == 0 then wait = (Spent[k] + Cost[l] - Most[l]) / Count[l] + At[k] - now
  elseif Algorithm[l] == 1 then wait = left
  elseif room >= 0 then wait = left - room * perMs / Before[k]
  else wait = left + perMs - (Capacity[l] - Spend[l]) * perMs / Spent[k] end
  return max(1, ceil(wait))
end

local function stamp(k, l)
  local ends = At[k]
  if Algorithm[l] == 0 then ends = ends + Spent[k] / Count[l]
  elseif Spent[k] > 0 then ends = ends + Algorithm[l] * Per[l]
  elseif Before[k] > 0 then ends = ends + Per[l] end
  Ends[k] = ends
end
`;

/** Reads the decisions. */
const inputSource = `
local input = { unpackBytes('<' .. string.rep('H', #ARGV[4] / 2), ARGV[4]) }
local length, pos = #input - 1, 1
local out, filled = {}, 0
`;

/** Ends a script that charges. */
const replySource = `
local replies = {}
for from = 1, filled, 100 do
  local to = min(from + 99, filled)
  replies[#replies + 1] = pack('<' .. string.rep('d', to - from + 1), unpack(out, from, to))
end
return table.concat(replies)
`;

/**
 * Many decisions after each other. The reply has, as doubles, for each decision that was allowed 1 and what remains of each
 * charge, for each other one 0 and of each charge what remains and how long to wait.
 */
export const chargeSource: string = `
local rates = #KEYS
${rateSource}
${inputSource}local at0, unit0, spent0, before0, ends0 = {}, {}, {}, {}, {}, {}

-- Each charge is made on top of those before it.
local function charge(first, last)
  local allowed = true
  local waits = {}
  for i = first, last, 2 do
    local k, l = input[i], input[i + 1]
    at0[i], unit0[i], spent0[i], before0[i], ends0[i] = At[k], Unit[k], Spent[k], Before[k], Ends[k]
    settle(k, l)
    local wait = waitFor(k, l)
    if wait ~= 0 then
      allowed = false
    elseif allowed then
      Spent[k] = Spent[k] + Spend[l]
      stamp(k, l)
    end
    waits[i] = wait
  end
  local function putBack()
    for i = last - 1, first, -2 do
      local k = input[i]
      At[k], Unit[k], Spent[k], Before[k], Ends[k] = at0[i], unit0[i], spent0[i], before0[i], ends0[i]
    end
  end
  if not allowed then putBack() end
  filled = filled + 1
  out[filled] = allowed and 1 or 0
  for i = first, last, 2 do
    local k, l = input[i], input[i + 1]
    if not allowed then settle(k, l) end
    filled = filled + 1
    out[filled] = max(0, (Most[l] - weight(k, l)) / Per[l])
    if not allowed then
      filled = filled + 1
      out[filled] = waits[i]
    end
  end
  if not allowed then putBack() end
end

while pos <= length do
  local last = pos + 2 * input[pos]
  charge(pos + 1, last)
  pos = last + 1
end
save()
${replySource}`;

/**
 * The same for GCRA alone, where no decision charges a key twice: what nearly all are. All states are read and unpacked in one
 * step, and a decision changes nothing until it is known to be allowed. `State` has four numbers a key.
 */
export const plainChargeSource: string = `
local rates = #KEYS
${limitSource}
${inputSource}
local nothing = string.rep('\\0', 32)
local found = call('MGET', unpack(keys))
for k = 1, rates do
  local packed = found[k]
  if not packed or #packed ~= 32 then found[k] = nothing end
end
local State = { unpackBytes('<' .. string.rep('d', 4 * rates), table.concat(found)) }
local Ends, Debt = {}, {}

while pos <= length do
  local first, last = pos + 1, pos + 2 * input[pos]
  local allowed = true
  for i = first, last, 2 do
    local s, l = 4 * input[i], input[i + 1]
    local at, unit, debt = State[s - 3], State[s - 2], State[s - 1]
    if debt > 0 and unit ~= Per[l] then debt = debt / unit * Per[l] end
    if at < now then
      debt = debt - (now - at) * Count[l]
      if debt < 0 then debt = 0 end
    elseif at - now > unit then
      State[s - 3] = now
    end
    Debt[i] = debt
    if debt + Cost[l] > Most[l] then allowed = false end
  end
  filled = filled + 1
  if allowed then
    out[filled] = 1
    for i = first, last, 2 do
      local k, l = input[i], input[i + 1]
      local s, perMs, debt = 4 * k, Per[l], Debt[i] + Spend[l]
      local t = State[s - 3]
      if t < now then
        t = now
        State[s - 3] = t
      end
      State[s - 2], State[s - 1], Ends[k] = perMs, debt, t + debt / Count[l]
      local rest = (Most[l] - debt) / perMs
      filled = filled + 1
      out[filled] = rest > 0 and rest or 0
    end
  else
    out[filled] = 0
    for i = first, last, 2 do
      local l, debt, wait = input[i + 1], Debt[i], 0
      if debt + Cost[l] > Most[l] then
        local ahead = max(State[4 * input[i] - 3] - now, 0)
        wait = max(1, ceil((debt + Cost[l] - Most[l]) / Count[l] + ahead))
      end
      out[filled + 1] = max(0, (Most[l] - debt) / Per[l])
      out[filled + 2] = wait
      filled = filled + 2
    end
  end
  pos = last + 1
end

for k = 1, rates do
  local ends = Ends[k]
  if ends then
    local s = 4 * k
    local alive = State[s]
    if ends <= now then
      if alive > 0 then call('DEL', keys[k]) end
    elseif ends <= alive and grace == 0 then
      call('SETRANGE', keys[k], '0', pack('<dddd', State[s - 3], State[s - 2], State[s - 1], alive))
    else
      local life = min(max(2 * (ends - now), shortest), longest)
      local packed = pack('<dddd', State[s - 3], State[s - 2], State[s - 1], now + life)
      call('SET', keys[k], packed, 'PX', ceil(life) + 2 + grace)
    end
  end
end
${replySource}`;

/** One decision, of which every charge is taken back. ARGV[5] is published on the last key. */
export const refundSource: string = `
local rates = #KEYS - 1
${rateSource}
local pos, length = 3, #ARGV[4]
while pos < length do
  local k, l
  k, l, pos = unpackBytes('<HH', ARGV[4], pos)
  settle(k, l)
  local rest = max(0, Spend[l] - Spent[k])
  Spent[k] = max(0, Spent[k] - Spend[l])
  if Algorithm[l] == 2 then Before[k] = max(0, Before[k] - rest) end
  stamp(k, l)
end
save()
call('PUBLISH', keys[#keys], ARGV[5])
return 1
`;

/** Deletes all keys but the last, on which ARGV[1] is published. */
export const resetSource: string = `
for i = 1, #KEYS - 1 do redis.call('DEL', KEYS[i]) end
redis.call('PUBLISH', KEYS[#KEYS], ARGV[1])
return 1
`;
