-- Take in a batch of incidents: for each, its registry entry and its queue message, or neither.
-- KEYS: 1 the set of open incidents, 2-4 the queues' lists, 5 the set of watched incidents, then one incident's hash each
-- ARGV: 1 the limit of open incidents, 2 how long the sweeper waits before its first look, in milliseconds,
--       then for each incident: its id, its JSON, its message, the index of its queue in KEYS
-- Returns one number an incident: 0 accepted, 1 duplicate, 2 full.
local OPEN, WATCHED, FIRST_INCIDENT, FIRST_ARGUMENT = KEYS[1], KEYS[5], 6, 3
local ACCEPTED, DUPLICATE, FULL = 0, 1, 2

-- A key of the wrong type fails in the middle of a script, and what was written before it stays: look first.
local expected = {'zset', 'list', 'list', 'list', 'zset'}
for index = 1, #expected do
  local found = redis.call('TYPE', KEYS[index])['ok']
  if found ~= 'none' and found ~= expected[index] then
    return redis.error_reply('WRONGTYPE ' .. KEYS[index] .. ' is a ' .. found)
  end
end

local time = redis.call('TIME')
local now_milliseconds = time[1] * 1000 + math.floor(time[2] / 1000)
local open = redis.call('ZCARD', OPEN)
local open_limit, patience = tonumber(ARGV[1]), tonumber(ARGV[2])
local now = string.format('%.0f', now_milliseconds)

local answers = {}
for position = FIRST_INCIDENT, #KEYS do
  local argument = FIRST_ARGUMENT + 4 * (position - FIRST_INCIDENT)
  local id, incident, message, queue = ARGV[argument], ARGV[argument + 1], ARGV[argument + 2], ARGV[argument + 3]
  local answer = ACCEPTED
  if redis.call('EXISTS', KEYS[position]) == 1 then
    answer = DUPLICATE
  elseif open >= open_limit then
    answer = FULL
  else
    local queue_key = KEYS[tonumber(queue)]
    redis.call('HSET', KEYS[position], 'incident', incident, 'state', 'NEW', 'epoch', 0, 'deliveries', 0,
      'accepted_at', now, 'queue', queue_key, 'enqueued_at', now)
    redis.call('ZADD', OPEN, now, id)
    redis.call('ZADD', WATCHED, now_milliseconds + patience, id)
    redis.call('LPUSH', queue_key, message)
    open = open + 1
  end
  answers[#answers + 1] = answer
end
return answers
