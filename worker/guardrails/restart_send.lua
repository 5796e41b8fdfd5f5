-- Asks for leave to carry out a granted restart now. The last check before the world changes.
-- A worker that stalled after its grant is stopped here: its lease is over, or nearly so.
--
-- KEYS     1 kill switch  2 the incident's intent  3 journal  4 the incident in the registry  5 the server's lock
-- ARGV     1 incident     2 server                 3 worker   4 fence   5 milliseconds that the lease must still have
--          6 how long a restart and its verification may take, in milliseconds: so long the lease lasts from now on
-- Answers  { 'sent' } or { 'refused', reason, -1, values for the sentence ... }
-- A second run is refused as not pending: a lost reply means no restart.

local halted, intent, journal = KEYS[1], KEYS[2], KEYS[3]
local incident, server, worker, fence = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local margin, duration = tonumber(ARGV[5]), tonumber(ARGV[6])

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

local why = redis.call('GET', halted)
if why then
  return { 'refused', 'halted', -1, why }
end

local attempt = redis.call('HMGET', intent, 'state', 'fence', 'lease_until', 'claim')
if attempt[2] ~= fence then
  return { 'refused', 'stale_fence', -1, fence, attempt[2] or 'none' }
end
if attempt[1] ~= 'INTENT' then
  return { 'refused', 'not_pending', -1, attempt[1] }
end

local entry = redis.call('HMGET', KEYS[4], 'epoch', 'state', 'lease_until', 'accepted_at')
local is_ours = (entry[1] or '') .. '@' .. (entry[4] or '') == attempt[4]
if not is_ours or entry[2] ~= 'CLAIMED' or tonumber(entry[3] or 0) <= now then
  return { 'refused', 'stale_claim', -1 }
end

-- The intent stays open: a holder that is late is a reason to look, not to try again.
if attempt[3] - now <= margin then
  redis.call('XADD', journal, '*', 'state', 'EXPIRED', 'incident', incident, 'server', server, 'fence', fence,
    'worker', worker, 'detail', '')
  return { 'refused', 'expired', -1 }
end

redis.call('XADD', journal, '*', 'state', 'SENT', 'incident', incident, 'server', server, 'fence', fence,
  'worker', worker, 'detail', '')
local lease_until = math.max(tonumber(attempt[3]), now + duration)
if redis.call('HGET', KEYS[5], 'fence') == fence then
  redis.call('HSET', KEYS[5], 'lease_until', lease_until)
end
redis.call('HSET', intent, 'state', 'SENT', 'lease_until', lease_until)
return { 'sent' }
