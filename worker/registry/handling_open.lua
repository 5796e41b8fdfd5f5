-- Lets an incident wait for engineers, once. What the registry has of it is kept as long as it waits. A newer result of
-- the same incident takes the place of what was concluded, and opens a resolved one again if it needs engineers. What
-- waits already keeps its age: it waits since it was first concluded, whenever that came here.
--
-- KEYS     1 its handling   2 waiting incidents   3 the incident   4 its journal   5 the alerts that came to it
--          6 its handling's history
-- ARGV     1 incident id    2 what was concluded, as JSON   3 urgency, 0 to 2   4 when that was, in milliseconds
--          5 '1' when it needs engineers   6 the line of the history when it is opened again, as JSON
-- Answers  1 when it waits from now on, 0 when nothing has to be done or its handling was opened before

local handling, waiting = KEYS[1], KEYS[2]

for key, kind in pairs({ [handling] = 'hash', [waiting] = 'zset' }) do
  local found = redis.call('TYPE', key)['ok']
  if found ~= kind and found ~= 'none' then
    return redis.error_reply('WRONGTYPE ' .. key .. ' is a ' .. found)
  end
end
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local opened_at = string.format('%.0f', now)
-- A worker's clock may run ahead: nothing was concluded later than now.
local waits_since = math.max(0, math.min(tonumber(ARGV[4]), now))

local function score_of(since)
  return string.format('%.0f', ARGV[3] * 1e13 + since)
end

local entry = redis.call('HMGET', handling, 'state', 'opened_at', 'finished_at', 'score')
if entry[1] then
  -- An entry of an older version has no such time; its result was there before it was opened.
  local known = tonumber(entry[3] or '') or tonumber(entry[2] or '') or now
  if tonumber(ARGV[4]) <= known then
    return 0
  end
  local is_resolved = entry[1] == 'resolved'
  local score = score_of(is_resolved and waits_since or (tonumber(entry[4] or '') or waits_since) % 1e13)
  redis.call('HSET', handling, 'concluded', ARGV[2], 'finished_at', ARGV[4], 'score', score)
  if not is_resolved then
    redis.call('ZADD', waiting, 'XX', score, ARGV[1])
    return 0
  elseif ARGV[5] ~= '1' then
    return 0
  end
  redis.call('HSET', handling, 'state', 'open', 'person', '', 'since', opened_at)
  redis.call('RPUSH', KEYS[6], opened_at .. ' ' .. ARGV[6])
  redis.call('ZADD', waiting, score, ARGV[1])
  for _, index in ipairs({ 1, 3, 4, 5, 6 }) do
    redis.call('PERSIST', KEYS[index])
  end
  return 1
elseif ARGV[5] ~= '1' then
  return 0
end
local score = score_of(waits_since)
redis.call('HSET', handling, 'state', 'open', 'person', '', 'opened_at', opened_at, 'since', opened_at, 'score', score,
  'concluded', ARGV[2], 'finished_at', ARGV[4], 'opened_with', ARGV[4])
redis.call('ZADD', waiting, score, ARGV[1])
for index = 3, 5 do
  redis.call('PERSIST', KEYS[index])
end
return 1
