-- Claims one incident: a lease with an epoch. The clock is the server's.
--
-- KEYS     1 the incident  2 its journal
-- ARGV     1 worker        2 this claim's own token  3 lease in milliseconds  4 how many claims are too many
-- Answers  { 'claimed', epoch, deliveries, incident, time of intake, steps, alerts that came to it: how many with its
--          own, how many of them are over, when the last came, the index of the most urgent queue, or '' each }
--       or { 'unknown' | 'closed' | 'busy' }
--       or { 'unreadable', why } for what is no entry, and for one that nobody ever finished: nothing was written
-- A second run with the same token, after a lost reply, answers as the first.

local incident, journal = KEYS[1], KEYS[2]
local worker, token, lease, too_many = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

if redis.call('EXISTS', incident) == 0 then
  return { 'unknown' }
end

for key, expected in pairs({ [incident] = 'hash', [journal] = 'list' }) do
  local found = redis.call('TYPE', key)['ok']
  if found ~= expected and found ~= 'none' then
    return { 'unreadable', key .. ' is a ' .. found }
  end
end

local entry = redis.call('HMGET', incident, 'state', 'token', 'lease_until', 'epoch', 'deliveries', 'accepted_at',
  'last_step', 'occurrences', 'resolved', 'last_seen_at', 'urgency')
for field = 3, 11 do
  local number = entry[field] or '0'
  if #number > 15 or not (number == '0' or number:match('^-?[1-9]%d*$')) then
    return { 'unreadable', 'a number is none' }
  end
end

if not entry[6] then
  return { 'unreadable', 'the time of intake is missing' }
end

-- The last net: whatever it is that keeps every claim from an end, nothing of it is read any more.
if entry[1] ~= 'CLOSED' and tonumber(entry[4] or 0) >= too_many then
  return { 'unreadable', entry[4] .. ' claims came to no end' }
end

local is_again = entry[1] == 'CLAIMED' and entry[2] == token
if not is_again then
  redis.call('HINCRBY', incident, 'deliveries', 1)
end

if entry[1] == 'CLOSED' then
  return { 'closed' }
end
-- A lease that ends later than any lease could was given by a clock that has been set back since.
local lease_until = tonumber(entry[3] or 0)
if entry[1] == 'CLAIMED' and not is_again and lease_until > now and lease_until <= now + lease then
  return { 'busy' }
end

-- A new epoch makes every write of an earlier claim stale.
if not is_again then
  redis.call('HINCRBY', incident, 'epoch', 1)
end
redis.call('HSET', incident, 'state', 'CLAIMED', 'worker', worker, 'token', token, 'lease_until', now + lease)

local claimed = redis.call('HMGET', incident, 'epoch', 'deliveries', 'incident', 'accepted_at')
return { 'claimed', claimed[1], claimed[2], claimed[3], claimed[4], redis.call('LRANGE', journal, 0, -1),
  entry[8] or '', entry[9] or '', entry[10] or '', entry[11] or '' }
