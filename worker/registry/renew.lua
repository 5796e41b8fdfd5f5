-- Renews the lease of one claim.
--
-- KEYS     1 the incident
-- ARGV     1 the claim, "epoch@time of intake"  2 lease in milliseconds
-- Answers  1 while the incident is still this claim's, else 0

local incident = KEYS[1]
local claim, lease = ARGV[1], tonumber(ARGV[2])

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

local entry = redis.call('HMGET', incident, 'epoch', 'state', 'accepted_at')
if (entry[1] or '') .. '@' .. (entry[3] or '') ~= claim then
  return 0
end

-- A claim that was just finished or released needs no lease, and has lost nothing.
if entry[2] == 'CLAIMED' then
  redis.call('HSET', incident, 'lease_until', now + lease)
end
return 1
