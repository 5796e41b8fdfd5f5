-- Writes what became of an intent, and frees the server where that is known.
-- The lease does not matter here: an outcome that comes late is still true.
--
-- KEYS     1 the incident's intent  2 the server's lock  3 open intents  4 journal
--          5 kill switch            6 restarts in a row that are not known to have helped
--          7 the incident in the registry
-- ARGV     1 incident  2 server     3 worker  4 fence    5 new state     6 cooldown in milliseconds, where the intent has none of its own  7 detail
--          8 how many in a row trip the kill switch
-- Answers  { 'closed' } or { 'refused', reason, milliseconds or -1, values for the sentence ... }
-- A second run with the same state answers as the first and writes nothing.

local intent, lock, open_intents, journal, halted, in_a_row = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local incident, server, worker, fence = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local new_state, cooldown, detail, trip_after = ARGV[5], tonumber(ARGV[6]), ARGV[7], tonumber(ARGV[8])

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

-- From which states each state may follow. RESOLVED is a person's word; nothing follows it.
local may_follow = {
  WITHDRAWN = { INTENT = true },
  RESTORED = { SENT = true },
  NOT_RESTORED = { SENT = true },
  NOT_DONE = { SENT = true },
  UNKNOWN = { SENT = true },
  RESOLVED = { INTENT = true, SENT = true, UNKNOWN = true },
}

local attempt = redis.call('HMGET', intent, 'state', 'fence', 'lease_until', 'claim', 'worker', 'cooldown')
local locked_for = redis.call('HGET', lock, 'incident')
local state = attempt[1]
cooldown = tonumber(attempt[6]) or cooldown
if attempt[2] ~= fence then
  return { 'refused', 'stale_fence', -1, fence, attempt[2] or 'none' }
end
if state == new_state then
  return { 'closed' }
end
if not may_follow[new_state][state] then
  return { 'refused', 'wrong_state', -1, state, new_state }
end

-- Whoever holds the lease may be restarting at this moment, even if it was given up as unknown: wait for its end. So may
-- whoever still has the incident. An entry that can't be read is nobody's claim, and must not keep the server closed.
if new_state == 'RESOLVED' then
  if tonumber(attempt[3]) > now then
    return { 'refused', 'server_locked', attempt[3] - now, incident, fence }
  end
  local entry = redis.pcall('HMGET', KEYS[7], 'epoch', 'state', 'lease_until', 'accepted_at')
  local is_held = (entry[1] or '') .. '@' .. (entry[4] or '') == attempt[4]
  if is_held and entry[2] == 'CLAIMED' and (tonumber(entry[3]) or 0) > now then
    return { 'refused', 'server_in_hand', -1, incident, fence, attempt[5] }
  end
end

-- The state is written last: whatever fails before it can be done again as a whole.
redis.call('XADD', journal, '*', 'state', new_state, 'incident', incident, 'server', server, 'fence', fence,
  'worker', worker, 'detail', detail)

-- Restarts that help nobody, one after the other, point to something that restarts don't cure: stop them all. One that
-- was not done is none.
if new_state == 'RESTORED' then
  redis.call('DEL', in_a_row)
elseif new_state == 'NOT_RESTORED' or new_state == 'UNKNOWN' then
  local count = redis.call('INCR', in_a_row)
  if count >= trip_after and redis.call('EXISTS', halted) == 0 then
    local why = count .. ' restarts in a row are not known to have helped'
    redis.call('SET', halted, why)
    redis.call('XADD', journal, '*', 'state', 'HALTED', 'worker', worker, 'detail', why)
  end
end

-- An unknown outcome keeps the server closed, and its place in the fleet taken. What was not done needs no cooldown.
if new_state ~= 'UNKNOWN' then
  redis.call('ZREM', open_intents, incident)
  if locked_for == incident then
    redis.call('HDEL', lock, 'incident', 'fence', 'lease_until')
  end
  if new_state ~= 'WITHDRAWN' and new_state ~= 'NOT_DONE' then
    redis.call('HSET', lock, 'cooldown_until', now + cooldown)
  end
end
redis.call('HSET', intent, 'state', new_state, 'detail', detail)
return { 'closed' }
