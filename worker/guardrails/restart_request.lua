-- Asks for the one restart of one incident: all checks and the write-ahead intent, in one atomic step.
-- The first check that says no decides, and then nothing is written. The clock is the server's.
--
-- KEYS     1 kill switch     2 the incident's intent  3 the server's lock   4 the server's log of restarts
--          5 the fleet's log 6 open intents           7 fence               8 journal
--          9 the incident in the registry
-- ARGV     1 incident        2 server                 3 worker              4 this request's own token
--          5 lease           6 restarts a server      7 their window        8 restarts in the fleet
--          9 their window    10 restarts at once      11 evidence           (times in milliseconds)
--          12 the claim under which it is asked, "epoch@time of intake"
--          13 what the keys of intents, and 14 of the registry's incidents, begin with: the lock's holder is not known
--          before it was read
--          15 the cooldown that will follow its outcome, kept with the intent: whoever writes the outcome may not know it
--          16 what the restart reaches, whose lock and budget these are
-- Answers  { 'granted', fence, time of the server's clock at which the lease ends }
--       or { 'refused', reason, milliseconds until asking again makes sense or -1, values for the sentence ... }

local halted, intent, lock, server_log = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local fleet_log, open_intents, fences, journal = KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local incident, server, worker, token = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local lease = tonumber(ARGV[5])
local server_limit, server_window = tonumber(ARGV[6]), tonumber(ARGV[7])
local fleet_limit, fleet_window = tonumber(ARGV[8]), tonumber(ARGV[9])
local concurrency = tonumber(ARGV[10])
local evidence, claim = ARGV[11], ARGV[12]
local intents, incidents, own_cooldown, target = ARGV[13], ARGV[14], ARGV[15], ARGV[16]

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

-- How long until a sliding window has room for one more: 0 when it has room now, -1 when it never will.
local function wait_for_room(log, limit, window)
  local after = '(' .. string.format('%.0f', now - window)
  local count = redis.call('ZCOUNT', log, after, '+inf')
  if count < limit then
    return 0
  end
  local blocking = redis.call('ZRANGEBYSCORE', log, after, '+inf', 'WITHSCORES', 'LIMIT', count - limit, 1)
  if #blocking == 0 then
    return -1
  end
  return blocking[2] + window - now
end

-- The same request, sent again because its reply was lost, is answered again.
local attempt = redis.call('HMGET', intent, 'state', 'token', 'fence', 'lease_until', 'server')
if attempt[1] == 'INTENT' and attempt[2] == token then
  return { 'granted', attempt[3], attempt[4] }
end

-- 1. The kill switch stops all restarts.
local why = redis.call('GET', halted)
if why then
  return { 'refused', 'halted', -1, why }
end

-- 2. One incident, at most one restart, ever.
if attempt[1] then
  return { 'refused', 'already_attempted', -1, attempt[1], attempt[5] }
end

-- Whether the registry's entry is held under this claim, by a lease that lives. What can't be read is held by nobody.
local function is_held(entry_key, by_claim)
  local entry = redis.pcall('HMGET', entry_key, 'epoch', 'state', 'lease_until', 'accepted_at')
  local held_by = (entry[1] or '') .. '@' .. (entry[4] or '')
  return held_by == by_claim and entry[2] == 'CLAIMED' and (tonumber(entry[3]) or 0) > now
end

-- 3. Only the claim that holds the incident may act on it: who was frozen past its lease stops here.
if not is_held(KEYS[9], claim) then
  return { 'refused', 'stale_claim', -1 }
end

-- 4. The lock. A lease that ran out without an outcome frees nothing: what became of that restart is not known.
local held = redis.call('HMGET', lock, 'incident', 'fence', 'lease_until', 'cooldown_until')
if held[1] and tonumber(held[3]) > now then
  return { 'refused', 'server_locked', held[3] - now, held[1], held[2] }
end
if held[1] then
  local holder = redis.pcall('HMGET', intents .. held[1], 'claim', 'worker')
  local reason = is_held(incidents .. held[1], holder[1]) and 'server_in_hand' or 'server_unresolved'
  return { 'refused', reason, -1, held[1], held[2], holder[2] or 'nobody knows whom' }
end

-- 5. The cooldown after the server's last outcome.
local cooldown = tonumber(held[4] or 0) - now
if cooldown > 0 then
  return { 'refused', 'cooldown', cooldown }
end

-- 6. The server's restart budget.
local server_wait = wait_for_room(server_log, server_limit, server_window)
if server_wait ~= 0 then
  return { 'refused', 'server_budget', server_wait }
end

-- 7. The fleet's restart budget.
local fleet_wait = wait_for_room(fleet_log, fleet_limit, fleet_window)
if fleet_wait ~= 0 then
  return { 'refused', 'fleet_budget', fleet_wait }
end

-- 8. Restarts at once. An intent counts until its outcome is known, however long that takes.
local open = redis.call('ZCARD', open_intents)
if open >= concurrency then
  return { 'refused', 'fleet_concurrency', -1, open }
end

-- All agree: the intent is written before anything is done to the server. What may fail is written first.
-- Fences grow, and start at the clock: after a loss of all data they are still larger than any that a server has seen.
local fence = string.format('%.0f', math.max(tonumber(redis.call('GET', fences) or 0) + 1, now))
local lease_until = now + lease
redis.call('XADD', journal, '*', 'state', 'INTENT', 'incident', incident, 'server', server, 'fence', fence,
  'worker', worker, 'detail', evidence)
redis.call('SET', fences, fence)
redis.call('HSET', intent, 'state', 'INTENT', 'token', token, 'fence', fence, 'server', server, 'worker', worker,
  'evidence', evidence, 'ordered_at', now, 'lease_until', lease_until, 'claim', claim, 'cooldown', own_cooldown, 'target', target)
redis.call('HSET', lock, 'incident', incident, 'fence', fence, 'lease_until', lease_until)
redis.call('ZADD', open_intents, now, incident)
redis.call('ZREMRANGEBYSCORE', server_log, '-inf', now - server_window)
redis.call('ZREMRANGEBYSCORE', fleet_log, '-inf', now - fleet_window)
redis.call('ZADD', server_log, now, fence)
redis.call('ZADD', fleet_log, now, fence)
return { 'granted', fence, lease_until }
