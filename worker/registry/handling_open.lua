-- Lets an incident wait for engineers, once. What the registry has of it is kept as long as it waits.
--
-- KEYS     1 its handling   2 waiting incidents   3 the incident   4 its journal   5 the alerts that came to it
-- ARGV     1 incident id    2 what was concluded, as JSON   3 urgency, 0 to 2
-- Answers  1 when it waits from now on, 0 when its handling was opened before

local handling, waiting = KEYS[1], KEYS[2]

for key, kind in pairs({ [handling] = 'hash', [waiting] = 'zset' }) do
  local found = redis.call('TYPE', key)['ok']
  if found ~= kind and found ~= 'none' then
    return redis.error_reply('WRONGTYPE ' .. key .. ' is a ' .. found)
  end
end
if redis.call('EXISTS', handling) == 1 then
  return 0
end

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local score = string.format('%.0f', ARGV[3] * 1e13 + now)
local opened_at = string.format('%.0f', now)
redis.call('HSET', handling, 'state', 'open', 'person', '', 'opened_at', opened_at, 'since', opened_at, 'score', score,
  'concluded', ARGV[2])
redis.call('ZADD', waiting, score, ARGV[1])
for index = 3, 5 do
  redis.call('PERSIST', KEYS[index])
end
return 1
