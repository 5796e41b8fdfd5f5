-- Gives a claim back unfinished, so that another may claim the incident at once.
--
-- KEYS     1 the incident
-- ARGV     1 the claim, "epoch@time of intake"
-- Answers  1 when it was given back, 0 when it was not this claim's to give

local incident = KEYS[1]
local claim = ARGV[1]

local entry = redis.call('HMGET', incident, 'epoch', 'state', 'accepted_at')
if (entry[1] or '') .. '@' .. (entry[3] or '') ~= claim or entry[2] ~= 'CLAIMED' then
  return 0
end

redis.call('HSET', incident, 'state', 'NEW')
redis.call('HDEL', incident, 'lease_until', 'token')
return 1
