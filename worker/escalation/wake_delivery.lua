-- Lets every page that waits for the end of quiet hours be looked at anew: the hours may be others now.
--
-- KEYS     1 what is due at the sink
-- Answers  how many there were

local due = KEYS[1]
local held = redis.call('SMEMBERS', due .. ':held')
if #held == 0 then
  return 0
end

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

for _, id in ipairs(held) do
  redis.call('ZADD', due, 'XX', 'LT', now, id)
end
redis.call('DEL', due .. ':held')
return #held
