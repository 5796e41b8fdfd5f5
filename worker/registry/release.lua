-- Gives a claim back unfinished, so that another may claim the incident at once.
--
-- KEYS     1 the incident
-- ARGV     1 epoch
-- Answers  1 when it was given back, 0 when it was not this epoch's to give

local incident = KEYS[1]
local epoch = ARGV[1]

local entry = redis.call('HMGET', incident, 'epoch', 'state')
if entry[1] ~= epoch or entry[2] ~= 'CLAIMED' then
  return 0
end

redis.call('HSET', incident, 'state', 'NEW')
redis.call('HDEL', incident, 'lease_until', 'token')
return 1
