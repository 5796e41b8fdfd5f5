-- Renews the lease of one claim.
--
-- KEYS     1 the incident
-- ARGV     1 epoch  2 lease in milliseconds
-- Answers  1 while the incident is still this epoch's, else 0

local incident = KEYS[1]
local epoch, lease = ARGV[1], tonumber(ARGV[2])

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

local entry = redis.call('HMGET', incident, 'epoch', 'state')
if entry[1] ~= epoch then
  return 0
end

-- A claim that was just finished or released needs no lease, and has lost nothing.
if entry[2] == 'CLAIMED' then
  redis.call('HSET', incident, 'lease_until', now + lease)
end
return 1
