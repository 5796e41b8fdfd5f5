-- Writes one step to an incident's journal, for the claim that holds it.
--
-- KEYS     1 the incident  2 its journal
-- ARGV     1 the claim, "epoch@time of intake"  2 number of the step  3 the step as JSON
-- Answers  'appended', 'repeated' when a step of this number stands there already, or 'stale'

local incident, journal = KEYS[1], KEYS[2]
local claim, number, step = ARGV[1], tonumber(ARGV[2]), ARGV[3]

local entry = redis.call('HMGET', incident, 'epoch', 'state', 'last_step', 'accepted_at')
if (entry[1] or '') .. '@' .. (entry[4] or '') ~= claim or entry[2] ~= 'CLAIMED' then
  return 'stale'
end
if entry[3] and tonumber(entry[3]) >= number then
  return 'repeated'
end

redis.call('RPUSH', journal, step)
redis.call('HSET', incident, 'last_step', number)
return 'appended'
